/** Palette goes anywhere, does the common things and finds one's own by a few letters; it works by keyboard alone. */
import '@mantine/spotlight/styles.layer.css';
import { CloseButton, Loader, Text, UnstyledButton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { createSpotlight, Spotlight } from '@mantine/spotlight';
import { IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useId, useState, type KeyboardEvent } from 'react';
import type { PaletteEntry, PaletteGroup } from '../../app-pages.ts';
import { CreateOrganisationDialog } from '../../pages/organisation/create-organisation-dialog.tsx';
import { useSession } from '../../session.ts';
import { matchEntries } from './match-entries.ts';
import { pageEntries } from './page-entries.ts';
import { closePalette } from './palette-state.ts';
import classes from './palette.module.css';
import { keepRecent, readRecent } from './recent-entries.ts';
import { useActions } from './use-actions.ts';
import { useAppActions, useFound } from './use-found.ts';

const [store, spotlight] = createSpotlight();
const shownPages = 6;

/** Palette is loaded when first opened; `isOpen` is what the shell wants. */
export default function Palette({ isOpen }: { readonly isOpen: boolean }) {
  const [query, setQuery] = useState('');
  const [isCreating, setCreating] = useState(false);
  const isPhone = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false });
  useEffect(() => (isOpen ? spotlight.open() : spotlight.close()), [isOpen]);
  return (
    <>
      <Spotlight.Root
        store={store}
        query={query}
        onQueryChange={setQuery}
        shortcut={null}
        onSpotlightClose={closePalette}
        fullScreen={isPhone}
        radius={isPhone ? 0 : 'md'}
        title="Search and commands"
        overlayProps={{ backgroundOpacity: 0.4, blur: 0 }}
        transitionProps={{ duration: 80, transition: 'fade' }}
        scrollable
        maxHeight={isPhone ? '100dvh' : '30rem'}
        classNames={{ header: classes.header, content: classes.content }}
      >
        <Choices query={query} isPhone={isPhone} onCreate={() => setCreating(true)} />
      </Spotlight.Root>
      <CreateOrganisationDialog isOpen={isCreating} onClose={() => setCreating(false)} />
    </>
  );
}

interface ChoicesProps {
  readonly query: string;
  readonly isPhone: boolean;
  readonly onCreate: () => void;
}

/** Choices is there while the palette is open: closed, it asks the server for nothing. */
function Choices({ query, isPhone, onCreate }: ChoicesProps) {
  const listId = useId();
  const { groups, isSearching, isFailed } = useGroups(query, onCreate);
  const count = groups.reduce((sum, { entries }) => sum + entries.length, 0);
  const { activeId, onKeyDown } = useActiveOption(listId, groups, query);
  return (
    <>
      <Spotlight.Search
        placeholder="Go to a page, do something, find what is yours"
        aria-label="Search and commands"
        role="combobox"
        aria-expanded
        aria-autocomplete="list"
        aria-controls={listId}
        {...(activeId ? { 'aria-activedescendant': activeId } : {})}
        maxLength={200}
        onKeyDown={onKeyDown}
        size="md"
        classNames={{ input: classes.field }}
        leftSection={<IconSearch size={19} stroke={1.6} />}
        rightSectionPointerEvents="all"
        rightSection={<SearchEnd isSearching={isSearching} isPhone={isPhone} />}
      />
      <Spotlight.ActionsList id={listId} role="listbox" aria-label="Results" className={classes.list}>
        {groups.map(({ title, entries }) => (
          <Spotlight.ActionsGroup key={title} label={title} role="group" aria-label={title} className={classes.group}>
            {entries.map((entry) => (
              <Option key={entry.id} listId={listId} entry={entry} isActive={activeId === optionId(listId, entry)} />
            ))}
          </Spotlight.ActionsGroup>
        ))}
      </Spotlight.ActionsList>
      {count === 0 && !isSearching ? <Spotlight.Empty>{`Nothing found for “${query.trim()}”`}</Spotlight.Empty> : null}
      <Spotlight.Footer className={classes.footer}>
        <Text size="xs" c="dimmed" role="status">
          {isSearching ? 'Searching…' : describe(count)}
          {isFailed ? ' Part of it could not be searched just now.' : ''}
        </Text>
        {isPhone ? null : (
          <Text size="xs" c="dimmed" aria-hidden>
            ↑ ↓ choose · Enter opens · Esc closes
          </Text>
        )}
      </Spotlight.Footer>
    </>
  );
}

function SearchEnd({ isSearching, isPhone }: { readonly isSearching: boolean; readonly isPhone: boolean }) {
  if (isPhone) return <CloseButton aria-label="Close" onClick={closePalette} />;
  return isSearching ? <Loader size="xs" aria-hidden /> : null;
}

const describe = (count: number) => (count === 1 ? '1 result.' : `${count} results.`);
const optionId = (listId: string, entry: PaletteEntry) => `${listId}-${entry.id.replaceAll(/[^\w.-]/g, '_')}`;

function Option({ listId, entry, isActive }: { listId: string; entry: PaletteEntry; isActive: boolean }) {
  const session = useSession();
  const navigate = useNavigate();
  const { icon: Icon, label, description, to, run } = entry;
  const choose = () => {
    closePalette();
    keepRecent(session, entry);
    if (to !== undefined) void navigate({ href: to });
    else run?.();
  };
  return (
    // Not Spotlight.Action: that has no id for the combobox to point at, and forgets the choice when the list grows.
    <UnstyledButton
      id={optionId(listId, entry)}
      role="option"
      aria-selected={isActive}
      data-active={isActive || undefined}
      tabIndex={-1}
      className={classes.option}
      onMouseDown={(event) => event.preventDefault()} // the focus stays in the field
      onClick={choose}
    >
      <Icon size={19} stroke={1.6} aria-hidden />
      <span className={classes.text}>
        <span>{label}</span>
        {description ? <span className={classes.description}>{description}</span> : null}
      </span>
    </UnstyledButton>
  );
}

/** useGroups is what the list shows: before typing what one did lately and may want, then what fits the words. */
function useGroups(query: string, onCreate: () => void) {
  const session = useSession();
  const found = useFound(query);
  const text = query.trim();
  const actions = [...useAppActions(), ...useActions({ onCreate, shownPlaces: text === '' ? 3 : Infinity })];
  const [recent] = useState(() => readRecent(session));
  const pages = matchEntries(pageEntries(session), text);
  const fixed = { pages: { title: 'Pages', entries: pages }, actions: actionsFor(actions, text) };
  const groups: readonly PaletteGroup[] =
    text === ''
      ? [{ title: 'Recent', entries: recent }, fixed.actions, ...found.groups, fixed.pages]
      : [{ title: 'Pages', entries: pages.slice(0, shownPages) }, fixed.actions, ...found.groups];
  return { ...found, groups: groups.filter(({ entries }) => entries.length > 0) };
}

function actionsFor(actions: readonly PaletteEntry[], text: string): PaletteGroup {
  return { title: 'Actions', entries: matchEntries(actions, text) };
}

interface Chosen {
  readonly query: string;
  readonly id: string;
}

/**
 * useActiveOption is the option that Enter would take: the first, until the arrow keys choose another. What is found
 * later does not take the choice away; other words do.
 */
function useActiveOption(listId: string, groups: readonly PaletteGroup[], query: string) {
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const ids = groups.flatMap(({ entries }) => entries.map((entry) => optionId(listId, entry)));
  const activeId = chosen?.query === query && ids.includes(chosen.id) ? chosen.id : ids[0];
  useEffect(() => {
    if (activeId) document.getElementById(activeId)?.scrollIntoView({ block: 'nearest' });
  }, [activeId]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || !activeId) return;
    if (event.key === 'Enter') document.getElementById(activeId)?.click();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const id = ids.at((ids.indexOf(activeId) + step) % ids.length);
    if (id) setChosen({ query, id });
  };
  return { activeId, onKeyDown };
}
