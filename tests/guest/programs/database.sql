-- What the sqlite3 shell's journals, locks, memory maps and sorts ask of the kernel, on a database file.
.bail on
pragma journal_mode = wal;
pragma mmap_size = 1000000;
create table t(a integer primary key, b text, c real);
create index by_b on t(b);
begin;
with recursive n(x) as (select 1 union all select x + 1 from n where x < 3000)
insert into t select x, hex(x * 7919 % 3001), x / 7.0 from n;
commit;
select count(*), sum(a), round(sum(c), 3), max(b) from t;
select b, a from t order by b desc limit 5;
begin;
delete from t where a % 3 = 0;
rollback;
delete from t where a % 5 = 0;
pragma wal_checkpoint(truncate);
pragma journal_mode = delete;
update t set b = b || 'x' where a < 100;
pragma integrity_check;
vacuum;
select count(*), total(c) > 0, min(length(b)), max(length(b)) from t;
create virtual table words using fts5(w);
insert into words select b from t;
select count(*) from words where words match '1*';
.schema t
