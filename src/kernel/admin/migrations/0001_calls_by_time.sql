-- The console sums the calls of all organisations by day. They are only ever added, so their order on disk is that of time,
-- and a summary of each range of blocks finds them at the price of a few kilobytes.
create index model_calls_of_all_by_time on kernel.model_calls using brin (created_at);
