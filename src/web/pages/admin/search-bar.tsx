/** SearchBar is a choice of states and a search above a list of the console. */
import { SegmentedControl } from '@mantine/core';
import { SearchField } from '../../ui/search-field.tsx';
import classes from './admin.module.css';

interface SearchBarProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly choices: readonly { readonly value: Value; readonly label: string }[];
  readonly onChoose: (value: Value) => void;
  readonly placeholder: string;
  readonly search: string;
  readonly onSearch: (search: string) => void;
}

export function SearchBar<Value extends string>(props: SearchBarProps<Value>) {
  return (
    <div className={classes.bar}>
      <div className={classes.filter}>
        <SegmentedControl
          aria-label={props.label}
          value={props.value}
          onChange={(value) => props.onChoose(value as Value)}
          data={[...props.choices]}
        />
      </div>
      <SearchField
        className={classes.search}
        label={`Search by ${props.placeholder.toLowerCase()}`}
        placeholder={props.placeholder}
        value={props.search}
        onChange={props.onSearch}
      />
    </div>
  );
}
