/** Starts the web app. The guard comes first: whatever it protects against may be in any later import. */
import { documentNonce } from './boot/guard-document.ts';
import './theme/mantine-first.css';
import './theme/global.css';
import './theme/contrast.css';
import './theme/touch.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';
import { queryClient } from './shell/query-client.ts';
import { RootErrorBoundary } from './shell/root-error-boundary.tsx';
import { createAppRouter } from './shell/router.tsx';
import { colorSchemeManager, resolveCssVariables, theme } from './theme/theme.ts';

const rootElement = document.getElementById('root');
if (!rootElement) throw new Error('index.html has no #root');

function start(element: HTMLElement): void {
  createRoot(element).render(
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
}

// A task of its own: all the above was evaluated in one, after which a slow phone should be able to answer.
setTimeout(start, 0, rootElement);
