-- Statements for connections that are not the library's: whoever asks for them runs
-- them in a transaction of their own. The library only runs them in its tests. Every
-- parameter is cast, so that no driver has to guess its type, by "cast" and not "::",
-- which some take for a parameter; documents cross as text, because users teach their
-- drivers to encode jsonb by themselves. Their parameters are named in sqltext.go, and
-- the twin of EnqueueBatchIn is in python/pgqrs/_transaction.py.

-- name: EnqueueIn
select {schema}.pgqrs_enqueue(
  cast($1 as text),
  cast(cast($2 as text) as jsonb),
  coalesce(cast($3 as bigint), 0) * interval '1 millisecond',
  cast($4 as text))

-- Without keys there is an empty array, which the function takes for too few.

-- name: EnqueueBatchIn
select {schema}.pgqrs_enqueue_batch(
  cast($1 as text),
  array(select e.payload from jsonb_array_elements(cast(cast($2 as text) as jsonb))
    with ordinality as e(payload, n) order by e.n),
  coalesce(cast($3 as bigint), 0) * interval '1 millisecond',
  nullif(array(select k.key from jsonb_array_elements_text(cast(cast($4 as text) as jsonb))
    with ordinality as k(key, n) order by k.n), '{}'))
