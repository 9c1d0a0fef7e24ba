/** AgentForm is the form of an agent, new or old; it guards what is typed and says what a refusal asks for. */
import { ActionIcon, Alert, Button, NumberInput, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { IconEye, IconPlus, IconX } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import type { ApiProblem } from '#web/api.ts';
import { FormProblem, showFieldErrors } from '#web/ui/index.ts';
import { maxQuestions, type AgentValues } from './agent-values.ts';
import classes from './agents.module.css';
import { LeaveGuard } from './leave-guard.tsx';
import { ModelPicker } from './model-picker.tsx';

export type AgentFormApi = UseFormReturnType<AgentValues>;

/** useAgentForm holds the values; the page that owns it may fill it anew. */
export function useAgentForm(initialValues: AgentValues): AgentFormApi {
  return useForm<AgentValues>({
    initialValues,
    validate: {
      name: (name) => (name.trim() === '' ? 'An agent needs a name.' : null),
      model: { model: (model) => (model.trim() === '' ? 'Choose a model, or write its name.' : null) },
    },
  });
}

interface AgentFormProps {
  readonly form: AgentFormApi;
  readonly submitLabel: string;
  readonly isBusy: boolean;
  readonly mayWrite: boolean;
  /** Throws ApiProblem. */
  readonly onSubmit: (values: AgentValues) => Promise<unknown>;
  /** Stands above the button, in view wherever the form is scrolled to, such as what to do about a conflict. */
  readonly notice?: ReactNode;
  /** True after a save, until something is changed again. */
  readonly isSaved?: boolean;
}

export function AgentForm({ form, submitLabel, isBusy, mayWrite, onSubmit, notice, isSaved }: AgentFormProps) {
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const submit = async (values: AgentValues) => {
    setProblem(null);
    try {
      await onSubmit(values);
    } catch (error) {
      const refusal = error as ApiProblem;
      setProblem(showFieldErrors(form, refusal));
      focusFirst(form, refusal.fieldErrors());
    }
  };
  return (
    <form
      className={classes.form}
      onSubmit={form.onSubmit(
        (values) => void submit(values),
        (errors) => focusFirst(form, errors),
      )}
      noValidate
    >
      <LeaveGuard isDirty={form.isDirty() && !isBusy} />
      {mayWrite ? null : (
        <Alert color="gray" icon={<IconEye size={18} />} mb="md" py="xs">
          You may look at this agent, not change it. An owner or an admin can give you another role.
        </Alert>
      )}
      <fieldset disabled={!mayWrite} className={classes.fields}>
        <Stack gap="md">
          <TextInput label="Name" required maxLength={80} {...form.getInputProps('name')} />
          <TextInput
            label="Description"
            description="One sentence for the list; the model reads it too."
            maxLength={500}
            {...form.getInputProps('description')}
          />
          <Textarea
            label="Instructions"
            description="How to answer, what to leave to people, what never to say. Plain words do."
            minRows={6}
            maxRows={20}
            maxLength={20_000}
            {...form.getInputProps('instructions')}
          />
          <div className={classes.columns}>
            <Select label="Tone" description="How the answers sound." data={tones} {...form.getInputProps('tone')} />
            <NumberInput
              label="Temperature"
              description="0 is steady, 2 is wild. Empty: the model’s own."
              min={0}
              max={2}
              step={0.1}
              decimalScale={2}
              {...form.getInputProps('temperature')}
            />
          </div>
          <ModelPicker form={form} />
          <Textarea
            label="Greeting"
            description="What a new chat begins with."
            minRows={2}
            maxRows={6}
            maxLength={1_000}
            {...form.getInputProps('greeting')}
          />
          <SuggestedQuestions form={form} mayWrite={mayWrite} />
        </Stack>
      </fieldset>
      {mayWrite ? (
        <div className={classes.formEnd}>
          {notice || problem ? (
            <div className={classes.formEndNotice}>
              {notice}
              <FormProblem error={problem} />
            </div>
          ) : null}
          <Text size="sm" c="dimmed" className={classes.formEndNote} role="status">
            {endNote(form.isDirty(), isSaved ?? false)}
          </Text>
          <Button type="submit" loading={isBusy}>
            {submitLabel}
          </Button>
        </div>
      ) : null}
    </form>
  );
}

function endNote(isDirty: boolean, isSaved: boolean): string {
  if (isDirty) return 'Not saved yet';
  return isSaved ? 'Saved' : '';
}

/** focusFirst leads to the first field that was refused: it may be far above the button. */
function focusFirst(form: AgentFormApi, errors: Readonly<Record<string, unknown>>): void {
  const [first] = Object.keys(errors);
  if (first) form.getInputNode(first)?.focus();
}

const tones = [
  { value: '', label: 'As the instructions say' },
  { value: 'neutral', label: 'Neutral' },
  { value: 'friendly', label: 'Friendly' },
  { value: 'formal', label: 'Formal' },
  { value: 'concise', label: 'Concise' },
  { value: 'playful', label: 'Playful' },
];

function SuggestedQuestions({ form, mayWrite }: Pick<AgentFormProps, 'form' | 'mayWrite'>) {
  const { suggestedQuestions } = form.values;
  return (
    <fieldset className={classes.section}>
      <legend>Suggested questions</legend>
      <Stack gap="xs">
        <Text size="sm" c="dimmed">
          Shown under the greeting, to be asked by one click. Up to {maxQuestions}.
        </Text>
        {suggestedQuestions.map((_, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- a question has no identity but its place
          <div key={index} className={classes.question}>
            <TextInput
              aria-label={`Question ${index + 1}`}
              maxLength={200}
              {...form.getInputProps(`suggestedQuestions.${index}`)}
            />
            {mayWrite ? (
              <ActionIcon
                aria-label={`Remove question ${index + 1}`}
                onClick={() => form.removeListItem('suggestedQuestions', index)}
              >
                <IconX size={18} />
              </ActionIcon>
            ) : null}
          </div>
        ))}
        {mayWrite && suggestedQuestions.length < maxQuestions ? (
          <div>
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPlus size={14} />}
              onClick={() => form.insertListItem('suggestedQuestions', '')}
            >
              Add a question
            </Button>
          </div>
        ) : null}
      </Stack>
    </fieldset>
  );
}
