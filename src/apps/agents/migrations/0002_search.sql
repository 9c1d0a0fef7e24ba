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
      to_tsquery('simple', '''' || replace(prefix, '''', '''''') || ''':*') as prefix
    from unnest(words, prefixes) with ordinality as t (word, prefix, n)
  ), terms as materialized (
    select n, exact, exact || prefix as wide from asked where numnode(exact || prefix) > 0
  ), ready as materialized (
    select d.id, d.passage_count from app_agents.documents d
    where d.tenant_id = (select tenant_id from scope) and d.agent_id = agent and d.state = 'ready'
  ),
  -- One index scan per word, and no look into the text vectors, which are stored out of line: a word that is in every
  -- passage costs milliseconds, not seconds.
  wide_hits as materialized (
    select t.n, p.id from terms t cross join lateral (
      select p.id, p.document_id from app_agents.passages p
      where p.tenant_id = (select tenant_id from scope) and p.agent_id = agent and p.search @@ t.wide
    ) p where p.document_id in (select id from ready)
  ), exact_hits as materialized (
    select t.n, p.id from terms t cross join lateral (
      select p.id from app_agents.passages p
      where p.tenant_id = (select tenant_id from scope) and p.agent_id = agent and p.search @@ t.exact
    ) p
  ), weights as materialized (
    -- Inverse document frequency (Robertson and Sparck Jones), smoothed by 20 passages so that in a small set not every
    -- word looks common.
    select t.n, ln(1 + (total.passages + 20 - coalesce(f.passages, 0) + 0.5) / (coalesce(f.passages, 0) + 0.5)) as weight
    from terms t
    cross join (select coalesce(sum(passage_count), 0) as passages from ready) total
    left join (select n, count(*) as passages from wide_hits group by n) f on f.n = t.n
  ), best as materialized (
    select h.id, sum(w.weight * case when e.id is null then 0.5 else 1 end) as strength, sum(w.weight) as covered
    from wide_hits h join weights w on w.n = h.n left join exact_hits e on e.n = h.n and e.id = h.id
    group by h.id order by 2 desc, 1 limit 50
  )
  -- How often and how near each other the words stand decides among equals.
  select best.id,
    (best.strength * (1 + 0.5 * ts_rank(p.search, (select string_agg('(' || wide::text || ')', ' | ')::tsquery from terms))))::double precision,
    (best.covered / (select sum(weight) from weights))::double precision
  from best join app_agents.passages p on p.id = best.id
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
  )
  select distinct w, lexeme
  from unnest(words) w
  cross join lateral (
    select p.search from app_agents.passages p
    where p.tenant_id = (select tenant_id from scope) and p.agent_id = agent
      and p.search @@ to_tsquery('simple', '''' || replace(left(w, 2), '''', '''''') || ''':*')
    limit 200
  ) sample
  cross join lateral unnest(tsvector_to_array(sample.search)) lexeme
  where left(lexeme, 2) = left(w, 2) and length(lexeme) between length(w) - 2 and length(w) + 2
  limit 5000
$$;
comment on function app_agents.list_similar_words(uuid, text[]) is
  'Words of an agent''s knowledge that share two first letters with the given ones and are about as long: candidates for a mistyped word.';

revoke execute on function app_agents.search_passages(uuid, text[], text[], integer) from public;
revoke execute on function app_agents.list_similar_words(uuid, text[]) from public;
grant execute on function app_agents.search_passages(uuid, text[], text[], integer) to bulkhead_app;
grant execute on function app_agents.list_similar_words(uuid, text[]) to bulkhead_app;
