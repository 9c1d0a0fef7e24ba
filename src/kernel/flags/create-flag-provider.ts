/** Bulkhead's flags as an OpenFeature provider, so that code written for OpenFeature works with them unchanged. */
import { ErrorCode, type Provider, type ResolutionDetails } from '@openfeature/server-sdk';
import { evaluate, type FlagSettings } from './evaluate.ts';
import type { FlagDeclaration } from './types.ts';

function mismatch<T>(defaultValue: T): Promise<ResolutionDetails<T>> {
  return Promise.resolve({
    value: defaultValue,
    reason: 'ERROR',
    errorCode: ErrorCode.TYPE_MISMATCH,
    errorMessage: 'flags here are on or off',
  });
}

/** createFlagProvider evaluates against whatever `read` gives at that moment. */
export function createFlagProvider(declared: ReadonlyMap<string, FlagDeclaration>, read: () => FlagSettings): Provider {
  return {
    metadata: { name: 'bulkhead' },
    runsOn: 'server',
    resolveBooleanEvaluation(name, defaultValue, context) {
      const flag = declared.get(name);
      if (!flag) {
        return Promise.resolve({ value: defaultValue, reason: 'ERROR', errorCode: ErrorCode.FLAG_NOT_FOUND });
      }
      const { isOn, reason } = evaluate(flag, context.targetingKey, read());
      return Promise.resolve({ value: isOn, reason, variant: isOn ? 'on' : 'off' });
    },
    resolveStringEvaluation: (_name, defaultValue) => mismatch(defaultValue),
    resolveNumberEvaluation: (_name, defaultValue) => mismatch(defaultValue),
    resolveObjectEvaluation: (_name, defaultValue) => mismatch(defaultValue),
  };
}
