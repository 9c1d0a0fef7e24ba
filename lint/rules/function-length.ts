/**
 * A function has at most 50 lines of its own, 120 where it returns markup. Functions inside it are counted by themselves:
 * a factory that returns five short closures is five short functions, not one long one.
 */
import { isTestCode, repositoryPath, type Node, type Rule, type Visitors } from './rule.ts';

const mostLines = 50;
const mostMarkupLines = 120;

interface Frame {
  readonly node: Node;
  nestedLines: number;
}

function countLines(node: Node): number {
  const { start, end } = node['loc'] as { start: { line: number }; end: { line: number } };
  return end.line - start.line + 1;
}

export const functionLength: Rule = {
  create(context): Visitors {
    const path = repositoryPath(context);
    if (isTestCode(path) && !path.startsWith('scripts/')) return {};
    const most = path.endsWith('.tsx') ? mostMarkupLines : mostLines;
    const frames: Frame[] = [];
    const enter = (node: Node): void => {
      frames.push({ node, nestedLines: 0 });
    };
    const leave = (node: Node): void => {
      const { nestedLines } = frames.pop() ?? { nestedLines: 0 };
      const lines = countLines(node);
      const outer = frames.at(-1);
      // A nested function's first line belongs to the outer one too: something is named or called there.
      if (outer) outer.nestedLines += lines - 1;
      const own = lines - nestedLines;
      if (own > most)
        context.report({ node, message: `This function has ${own} lines of its own; ${most} are the most.` });
    };
    return {
      FunctionDeclaration: enter,
      FunctionExpression: enter,
      ArrowFunctionExpression: enter,
      'FunctionDeclaration:exit': leave,
      'FunctionExpression:exit': leave,
      'ArrowFunctionExpression:exit': leave,
    };
  },
};
