-- The search of passages. It runs as the owner of the tables because `@@` is not leakproof: below row-level security
-- PostgreSQL may not use the text index. The organisation is therefore taken from the transaction's own setting, never
-- from an argument, and stands in every condition.
create function app_agents.search_passages(agent uuid, words text[], prefixes text[], take integer)
returns table (passage_id uuid, score double precision, matched_share double precision)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with scope as (
    select nullif(current_setting('app.tenant_id', true), '')::uuid as tenant_id
  ), asked as (
    select n, plainto_tsquery('simple', word) || plainto_tsquery('english', word) as exact,
      to_tsquery('simple', '''' || replace(prefix, '''', '''''') || ''':*') as wide
    from unnest(words, prefixes) with ordinality as t (word, prefix, n)
  ), terms as (
    select n, exact, exact || wide as wide from asked where numnode(exact || wide) > 0
  ), ready as (
    select d.id, d.passage_count from app_agents.documents d, scope
    where d.tenant_id = scope.tenant_id and d.agent_id = agent and d.state = 'ready'
  ), hits as materialized (
    select p.id, p.search from app_agents.passages p
    where p.tenant_id = (select tenant_id from scope) and p.agent_id = agent
      and p.document_id in (select id from ready)
      and p.search @@ (select string_agg('(' || wide::text || ')', ' | ')::tsquery from terms)
  ), found as (
    select h.id, t.n, ts_rank(h.search, t.exact) + ts_rank(h.search, t.wide) as strength
    from hits h join terms t on h.search @@ t.wide
  ), weights as (
    -- Inverse document frequency (Robertson and Sparck Jones), smoothed by 20 passages so that a small set does not make every word look common.
    select t.n, ln(1 + (total.passages + 20 - coalesce(f.passages, 0) + 0.5) / (coalesce(f.passages, 0) + 0.5)) as weight
    from terms t
    cross join (select coalesce(sum(passage_count), 0) as passages from ready) total
    left join (select n, count(*) as passages from found group by n) f on f.n = t.n
  )
  select found.id, sum(weights.weight * found.strength)::double precision,
    (sum(weights.weight) / (select sum(weight) from weights))::double precision
  from found join weights on weights.n = found.n
  group by found.id
  order by 2 desc, 1
  limit least(take, 50)
$$;
comment on function app_agents.search_passages(uuid, text[], text[], integer) is
  'Passages of an agent of the current organisation that hold any of the words, best first, and which share of the question (by weight) each covers.';

create function app_agents.list_similar_words(agent uuid, words text[])
returns table (word text, candidate text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with scope as (
    select nullif(current_setting('app.tenant_id', true), '')::uuid as tenant_id
  ), vocabulary as materialized (
    select distinct lexeme from (
      select p.search from app_agents.passages p
      where p.tenant_id = (select tenant_id from scope) and p.agent_id = agent
      limit 5000
    ) sampled, lateral unnest(tsvector_to_array(sampled.search)) lexeme
  )
  select w, lexeme from unnest(words) w
  join vocabulary on left(lexeme, 1) = left(w, 1) and length(lexeme) between length(w) - 2 and length(w) + 2
  limit 5000
$$;
comment on function app_agents.list_similar_words(uuid, text[]) is
  'Words of an agent''s knowledge that begin like the given ones and are about as long: candidates for a mistyped word.';

revoke execute on function app_agents.search_passages(uuid, text[], text[], integer) from public;
revoke execute on function app_agents.list_similar_words(uuid, text[]) from public;
grant execute on function app_agents.search_passages(uuid, text[], text[], integer) to bulkhead_app;
grant execute on function app_agents.list_similar_words(uuid, text[]) to bulkhead_app;
