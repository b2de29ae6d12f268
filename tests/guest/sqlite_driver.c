/*
 * sqlite_driver [FILE]: Debian's SQLite, in memory or on disk: 50,000 inserts, an index, joins,
 * an update, a rollback, an integrity check.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS 50000

static sqlite3 *db;

static void check(int rc, const char *what)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
		return;
	fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
	exit(1);
}

static int print_row(void *unused, int n, char **values, char **names)
{
	(void)unused;
	for (int i = 0; i < n; i++)
		printf("%s=%s%c", names[i], values[i] ? values[i] : "NULL", i + 1 < n ? ' ' : '\n');
	return 0;
}

static void sql(const char *text)
{
	printf("> %s\n", text);
	check(sqlite3_exec(db, text, print_row, NULL, NULL), text);
}

static void insert_rows(void)
{
	unsigned int x = 12345;
	sqlite3_stmt *st;
	char name[32];

	check(sqlite3_prepare_v2(db, "INSERT INTO item VALUES (?, ?, ?, ?)", -1, &st, NULL),
	      "prepare");
	for (int i = 0; i < ROWS; i++) {
		x = x * 1103515245 + 12345;
		snprintf(name, sizeof(name), "item-%u", (x >> 8) % 5000);
		sqlite3_bind_int(st, 1, i);
		sqlite3_bind_int(st, 2, (int)(x >> 16) % 100);
		sqlite3_bind_text(st, 3, name, -1, SQLITE_TRANSIENT);
		sqlite3_bind_double(st, 4, (x >> 4) % 100000 / 7.0);
		check(sqlite3_step(st), "insert");
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
}

int main(int argc, char **argv)
{
	check(sqlite3_open(argc > 1 ? argv[1] : ":memory:", &db), "open");
	sql("CREATE TABLE item (id INTEGER PRIMARY KEY, kind INTEGER, name TEXT, price REAL)");
	sql("CREATE TABLE kind (id INTEGER PRIMARY KEY, title TEXT)");
	sql("BEGIN");
	insert_rows();
	sql("INSERT INTO kind SELECT DISTINCT kind, 'kind ' || kind FROM item");
	sql("COMMIT");
	sql("CREATE INDEX item_name ON item (name, price)");
	sql("SELECT count(*), sum(kind), round(avg(price), 6), min(name), max(name) FROM item");
	sql("SELECT kind.title, count(*) n, round(sum(price), 3) s FROM item JOIN kind ON "
	    "item.kind = kind.id GROUP BY kind.id ORDER BY n DESC, s LIMIT 10");
	sql("SELECT a.id, b.id, a.name FROM item a JOIN item b ON a.name = b.name AND a.id < b.id "
	    "ORDER BY a.name, a.id, b.id LIMIT 10");
	sql("UPDATE item SET price = price * 1.5 WHERE kind % 10 = 3");
	sql("SELECT changes()");
	sql("BEGIN");
	sql("DELETE FROM item WHERE id % 3 = 0");
	sql("SELECT count(*) FROM item");
	sql("ROLLBACK");
	sql("SELECT count(*), round(sum(price), 3) FROM item WHERE name LIKE 'item-12%'");
	sql("WITH RECURSIVE f(n, a, b) AS (VALUES (1, 0, 1) UNION ALL SELECT n + 1, b, a + b "
	    "FROM f WHERE n < 60) SELECT max(n), max(a) FROM f");
	sql("PRAGMA integrity_check");
	sqlite3_close(db);
	return 0;
}
