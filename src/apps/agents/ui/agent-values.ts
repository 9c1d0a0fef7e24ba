/** The values of the agent form: how they come from an agent, and what of them a save sends. */
import type { Agent, AgentChange } from './agents-api.ts';
import type { AgentExample } from './agent-examples.ts';

type Tone = NonNullable<Agent['tone']>;

/** AgentValues has the shape of the API's body, so that its refusals find their fields. */
export interface AgentValues {
  name: string;
  description: string;
  instructions: string;
  model: { connectionId: string | null; model: string };
  /** Empty: the model's own. */
  temperature: number | '';
  greeting: string;
  suggestedQuestions: string[];
  /** Empty: as the instructions say. */
  tone: Tone | '';
}

/** offlineModel is the built-in model that quotes the knowledge. */
export const offlineModel: AgentValues['model'] = { connectionId: null, model: 'offline' };

export const maxQuestions = 6;

const blankValues: AgentValues = {
  name: '',
  description: '',
  instructions: '',
  model: offlineModel,
  temperature: '',
  greeting: '',
  suggestedQuestions: [''],
  tone: '',
};

/** valuesOf fills the form with an agent. */
export function valuesOf(agent: Agent): AgentValues {
  const { name, description, instructions, model, greeting } = agent;
  return {
    name,
    description,
    instructions,
    model,
    greeting,
    temperature: agent.temperature ?? '',
    suggestedQuestions: agent.suggestedQuestions.length > 0 ? [...agent.suggestedQuestions] : [''],
    tone: agent.tone ?? '',
  };
}

/** valuesOfExample fills the form with an example; an unknown one leaves it blank. */
export function valuesOfExample(example: AgentExample | undefined, model: AgentValues['model']): AgentValues {
  if (!example) return { ...blankValues, model };
  return { ...blankValues, ...example.values, suggestedQuestions: [...example.values.suggestedQuestions], model };
}

/** bodyOf is what the API takes; empty questions are left out. */
export function bodyOf(values: AgentValues) {
  return {
    ...values,
    temperature: values.temperature === '' ? null : values.temperature,
    suggestedQuestions: values.suggestedQuestions.map((question) => question.trim()).filter(Boolean),
    tone: values.tone || null,
  };
}

/** changeOf is the part of `values` that differs from `agent`: what somebody else changed meanwhile is left alone. */
export function changeOf(values: AgentValues, agent: Agent): Omit<AgentChange, 'revision'> {
  const body = bodyOf(values);
  const changed = Object.entries(body).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(agent[field as keyof typeof body]),
  );
  return Object.fromEntries(changed) as Omit<AgentChange, 'revision'>;
}

/** keepTyped fills the form with what was `saved`, but for what was typed since its values were `sent`. */
export function keepTyped(now: AgentValues, sent: AgentValues, saved: AgentValues): AgentValues {
  const isTyped = ([field, value]: [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify(sent[field as keyof AgentValues]);
  return { ...saved, ...Object.fromEntries(Object.entries(now).filter(isTyped)) };
}
