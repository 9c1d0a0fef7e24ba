/** The look of Bulkhead as a Mantine theme: colours that pass WCAG AA on their surfaces, system fonts, dense controls. */
import {
  createTheme,
  localStorageColorSchemeManager,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core';

/** tide is the brand colour, a calm sea blue-green. 6 carries white text (5.1:1); 3 and 4 are for text on dark. */
const tide: MantineColorsTuple = [
  '#eef7fa',
  '#d8ebf1',
  '#b1d7e3',
  '#84c0d3',
  '#58a7c0',
  '#378da9',
  '#1f758f',
  '#155f77',
  '#114c60',
  '#0d3a4a',
];

/** gray is a cool neutral; 6 is the lightest that may carry small text on white (5.3:1). */
const gray: MantineColorsTuple = [
  '#f7f9fa',
  '#eff2f4',
  '#e3e8eb',
  '#d3dade',
  '#b6c0c7',
  '#93a0a9',
  '#5f6d77',
  '#4a5761',
  '#323d46',
  '#1d262d',
];

/** dark runs from text (0) to the deepest surface (9); 7 is the page, 6 what lies on it, 4 the borders. */
const dark: MantineColorsTuple = [
  '#dfe6ea',
  '#bcc7ce',
  '#9aa8b2',
  '#74838e',
  '#3d4953',
  '#323c45',
  '#232c33',
  '#182025',
  '#12181c',
  '#0c1114',
];

/** red is for refusals and deletion; 6 and 7 carry white text (5.3:1 and 6.7:1), which the default of Mantine does not. */
const red: MantineColorsTuple = [
  '#fdf1f0',
  '#fadedb',
  '#f4b9b3',
  '#ee9d95',
  '#e57369',
  '#d64e43',
  '#c23a30',
  '#ab2e25',
  '#8d251e',
  '#701e19',
];

const systemFonts =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Cantarell, Ubuntu, Arial, sans-serif, "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji"';

const small = { defaultProps: { size: 'sm' } };

export const theme = createTheme({
  primaryColor: 'tide',
  primaryShade: { light: 7, dark: 6 },
  black: gray[9],
  colors: { tide, gray, dark, red },
  fontFamily: systemFonts,
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontSizes: { xs: '0.75rem', sm: '0.875rem', md: '0.9375rem', lg: '1.0625rem', xl: '1.25rem' },
  lineHeights: { xs: '1.4', sm: '1.45', md: '1.55', lg: '1.6', xl: '1.6' },
  headings: {
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '1.125rem', lineHeight: '1.35' },
      h3: { fontSize: '1rem', lineHeight: '1.4' },
      h4: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  components: {
    Button: small,
    TextInput: small,
    PasswordInput: {
      defaultProps: {
        size: 'sm',
        visibilityToggleFocusable: true,
        visibilityToggleButtonProps: { 'aria-label': 'Show what is typed' },
      },
    },
    Textarea: { defaultProps: { size: 'sm', autosize: true, minRows: 3 } },
    Select: { defaultProps: { size: 'sm', allowDeselect: false } },
    NumberInput: small,
    Card: { defaultProps: { withBorder: true, padding: 'md', radius: 'md' } },
    Paper: { defaultProps: { radius: 'md' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray', size: 'lg' } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    // The focus begins at the first line, as menus are known; Mantine's stand-in before it has no name to read out.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    Modal: { defaultProps: { centered: true, closeButtonProps: { 'aria-label': 'Close' } } },
    Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Loader: { defaultProps: { type: 'dots', size: 'sm' } },
  },
});

/** resolveCssVariables corrects the defaults of Mantine that fail contrast, and names our own surfaces. */
export const resolveCssVariables: CSSVariablesResolver = () => ({
  variables: { '--bh-reading-width': '46rem', '--bh-page-width': '68rem' },
  light: {
    '--mantine-color-dimmed': gray[6],
    '--mantine-color-placeholder': gray[6],
    '--mantine-color-error': red[7],
    '--mantine-color-anchor': tide[7],
    '--mantine-color-red-light': red[0],
    '--mantine-color-yellow-light-color': '#7a4a00',
    '--mantine-color-default-border': gray[3],
    '--bh-surface': '#ffffff',
    '--bh-surface-sunken': gray[0],
    '--bh-surface-raised': '#ffffff',
    '--bh-border': gray[2],
    '--bh-hover': gray[1],
    '--bh-selected': tide[1],
    '--bh-selected-text': tide[8],
  },
  dark: {
    '--mantine-color-dimmed': dark[2],
    '--mantine-color-placeholder': dark[2],
    '--mantine-color-error': red[3],
    '--mantine-color-anchor': tide[3],
    // Mantine's are darker than the cards they lie on.
    '--mantine-color-disabled': dark[5],
    '--mantine-color-disabled-color': dark[2],
    '--mantine-color-disabled-border': dark[4],
    '--mantine-color-gray-light': dark[5],
    '--mantine-color-gray-light-hover': dark[4],
    '--mantine-color-gray-light-color': dark[0],
    '--mantine-color-tide-light': '#1b3a46',
    '--mantine-color-tide-light-hover': '#214653',
    '--mantine-color-tide-light-color': tide[2],
    '--mantine-color-red-light': '#37272b',
    '--mantine-color-red-light-hover': '#422d31',
    '--mantine-color-red-light-color': red[2],
    '--mantine-color-yellow-light': '#3a3017',
    '--mantine-color-yellow-light-color': '#f2cf7a',
    '--mantine-color-default-border': dark[4],
    '--bh-surface': dark[7],
    '--bh-surface-sunken': dark[8],
    '--bh-surface-raised': dark[6],
    '--bh-border': dark[5],
    '--bh-hover': dark[6],
    '--bh-selected': 'rgb(31 117 143 / 28%)',
    '--bh-selected-text': tide[2],
  },
});

/** colorSchemeManager remembers the choice under the name that the script in index.html reads before the first paint. */
export const colorSchemeManager = localStorageColorSchemeManager({ key: 'bulkhead.color-scheme' });
