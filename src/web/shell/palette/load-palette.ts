/** The palette is fetched when somebody is about to open it. */
import { fetchStyled } from '../page-problem.ts';

export const loadPalette = () => fetchStyled(() => import('./palette.tsx'));
