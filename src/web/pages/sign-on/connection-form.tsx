/** ConnectionForm connects or changes an identity provider; a client secret goes in and never comes out (K9.1). */
import {
  Button,
  Group,
  PasswordInput,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { showFieldErrors } from '../../ui/form.ts';
import { FormProblem } from '../../ui/states.tsx';
import { signOnApi, type SsoConnection } from './sign-on-api.ts';

interface ConnectionFormProps {
  /** Absent to connect a new one. */
  readonly connection?: SsoConnection | undefined;
  readonly onSaved: () => void;
  readonly onCancel: () => void;
}

interface Values {
  kind: 'oidc' | 'saml';
  name: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  metadataUrl: string;
  metadataXml: string;
  signsRequests: boolean;
  signsOutAtProvider: boolean;
  defaultRole: SsoConnection['defaultRole'];
}

const roles = [
  { value: 'viewer', label: 'Viewer: looks, changes nothing' },
  { value: 'member', label: 'Member: works with everything' },
  { value: 'admin', label: 'Admin: also manages people and settings' },
];

export function ConnectionForm({ connection, onSaved, onCancel }: ConnectionFormProps) {
  const form = useForm<Values>({ initialValues: initialValues(connection) });
  const { problem, save, isSaving } = useSave(form, connection, onSaved);
  return (
    <form onSubmit={form.onSubmit(save)}>
      <Stack gap="sm">
        {connection ? null : (
          <SegmentedControl
            aria-label="Kind of provider"
            fullWidth
            data={[
              { value: 'oidc', label: 'OpenID Connect' },
              { value: 'saml', label: 'SAML' },
            ]}
            {...form.getInputProps('kind')}
          />
        )}
        <TextInput
          label="Name"
          description="What your people read on the button, such as your organisation’s name."
          required
          data-autofocus
          {...form.getInputProps('name')}
        />
        {form.values.kind === 'oidc' ? (
          <OidcFields form={form} connection={connection} />
        ) : (
          <SamlFields form={form} isNew={!connection} />
        )}
        <Select
          label="Role of people who come for the first time"
          data={roles}
          allowDeselect={false}
          {...form.getInputProps('defaultRole')}
        />
        <FormProblem error={problem} />
        <Group justify="flex-end" gap="xs">
          <Button variant="subtle" color="gray" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={isSaving}>
            {connection ? 'Save' : 'Connect'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface FieldsProps {
  readonly form: UseFormReturnType<Values>;
  readonly connection?: SsoConnection | undefined;
}

function OidcFields({ form, connection }: FieldsProps) {
  const lastFour = connection?.clientSecretLastFour;
  return (
    <>
      <TextInput
        label="Issuer"
        type="url"
        required
        placeholder="https://login.example.com"
        description="The provider’s address; its settings are read from there."
        {...form.getInputProps('issuer')}
      />
      <TextInput label="Client id" required autoComplete="off" {...form.getInputProps('clientId')} />
      <PasswordInput
        label="Client secret"
        autoComplete="off"
        placeholder={lastFour ? `•••• ${lastFour} (leave empty to keep it)` : ''}
        description="Kept encrypted; only its last four characters are ever shown."
        {...form.getInputProps('clientSecret')}
      />
      <Switch
        label="Sign out at the provider as well"
        description="Signing out here leads to the provider’s sign-out, and so out of other applications."
        {...form.getInputProps('signsOutAtProvider', { type: 'checkbox' })}
      />
    </>
  );
}

function SamlFields({ form, isNew }: { readonly form: UseFormReturnType<Values>; readonly isNew: boolean }) {
  return (
    <>
      <TextInput
        label="Address of the provider’s metadata"
        type="url"
        required={isNew && form.values.metadataXml === ''}
        placeholder="https://login.example.com/metadata.xml"
        description={
          isNew ? 'Read once, now. Or paste the metadata below.' : 'Empty: what was read before stays as it is.'
        }
        {...form.getInputProps('metadataUrl')}
      />
      <Textarea
        label="Metadata"
        required={isNew && form.values.metadataUrl === ''}
        autosize
        minRows={4}
        maxRows={10}
        placeholder="<EntityDescriptor …"
        spellCheck={false}
        {...form.getInputProps('metadataXml')}
      />
      <Switch
        label="Sign our requests"
        description="Only if the provider asks for it; metadata that asks for it switches it on."
        {...form.getInputProps('signsRequests', { type: 'checkbox' })}
      />
      <Text size="xs" c="dimmed">
        Our own addresses for the provider’s side are shown once it is connected.
      </Text>
    </>
  );
}

function useSave(form: UseFormReturnType<Values>, connection: SsoConnection | undefined, onSaved: () => void) {
  const [problem, setProblem] = useState<unknown>(null);
  const options = {
    onMutate: () => setProblem(null),
    onSuccess: onSaved,
    onError: (error: Parameters<typeof showFieldErrors>[1]) => setProblem(showFieldErrors(form, error)),
  };
  const create = useCall(signOnApi, 'POST /sso-connections', options);
  const update = useCall(signOnApi, 'PATCH /sso-connections/{ssoConnectionId}', options);
  const save = ({ kind, name, defaultRole, signsRequests, signsOutAtProvider, ...values }: Values) => {
    const wanted =
      kind === 'oidc'
        ? ({ issuer: values.issuer, clientId: values.clientId, clientSecret: values.clientSecret } as const)
        : ({ metadataUrl: values.metadataUrl, metadataXml: values.metadataXml } as const);
    const given = {
      ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value.trim() !== '')),
      ...switchesOf(kind, { signsRequests, signsOutAtProvider }, connection),
    };
    if (connection)
      update.mutate({ params: { ssoConnectionId: connection.id }, body: { name, defaultRole, ...given } });
    else create.mutate({ body: { kind, name, defaultRole, ...given } });
  };
  return { problem, save, isSaving: create.isPending || update.isPending };
}

/** Only what was switched: metadata that is read anew may ask for signed requests by itself. */
function switchesOf(
  kind: Values['kind'],
  { signsRequests, signsOutAtProvider }: Pick<Values, 'signsRequests' | 'signsOutAtProvider'>,
  before: SsoConnection | undefined,
) {
  if (kind === 'oidc')
    return signsOutAtProvider === (before?.signsOutAtProvider ?? false) ? {} : { signsOutAtProvider };
  return signsRequests === (before?.signsRequests ?? false) ? {} : { signsRequests };
}

function initialValues(connection: SsoConnection | undefined): Values {
  return {
    kind: connection?.kind ?? 'oidc',
    name: connection?.name ?? '',
    issuer: connection?.issuer ?? '',
    clientId: connection?.clientId ?? '',
    clientSecret: '',
    metadataUrl: '',
    metadataXml: '',
    signsRequests: connection?.signsRequests ?? false,
    signsOutAtProvider: connection?.signsOutAtProvider ?? false,
    defaultRole: connection?.defaultRole ?? 'member',
  };
}
