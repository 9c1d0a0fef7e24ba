/** Starts the web app. The guard comes first: whatever it protects against may be in any later import. */
import { documentNonce } from './boot/guard-document.ts';
import '@mantine/core/styles.css';
import './theme/global.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';
import { RootErrorBoundary } from './shell/error-boundaries.tsx';
import { queryClient } from './shell/query-client.ts';
import { createAppRouter } from './shell/router.tsx';
import { colorSchemeManager, resolveCssVariables, theme } from './theme/theme.ts';

const rootElement = document.getElementById('root');
if (!rootElement) throw new Error('index.html has no #root');

createRoot(rootElement).render(
  <MantineProvider
    theme={theme}
    cssVariablesResolver={resolveCssVariables}
    colorSchemeManager={colorSchemeManager}
    defaultColorScheme="auto"
    getStyleNonce={() => documentNonce}
  >
    <RootErrorBoundary>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={createAppRouter()} />
      </QueryClientProvider>
    </RootErrorBoundary>
  </MantineProvider>,
);
