/** Attention lists what one should see to, if anything. */
import { Text, Title } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import classes from '../pages.module.css';
import type { AttentionItem } from './use-attention.ts';

export function Attention({ items }: { readonly items: readonly AttentionItem[] }) {
  if (items.length === 0) return null;
  return (
    <section className={classes.section} aria-labelledby="attention">
      <Title order={2} id="attention" mb="xs">
        Worth a look
      </Title>
      <ul className={classes.attention}>
        {items.map(({ id, icon: Icon, title, text, to }) => (
          <li key={id}>
            <Link to={to} className={classes.attentionRow}>
              <Icon size={20} stroke={1.6} />
              <span className={classes.cardText}>
                <span className={classes.cardName}>{title}</span>
                <Text size="sm" c="dimmed" component="span">
                  {text}
                </Text>
              </span>
              <IconChevronRight size={18} className={classes.cardArrow} />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
