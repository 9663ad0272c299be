/* Bare SQLite: rows read back from what the store wrote, and written again by plain inserts in the same order. */
#include "bare.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/store.h"

#define COLUMNS_MAX 40
#define TABLES 5

struct cell {
	int64_t number;
	char *text; /* owned; null where the value is no text */
	int len;
	bool is_null;
};

/* Where the rows of one set stand: those of `name` whose `key` is the set's own. SQLite numbers those of `numbered`. */
static const struct table {
	const char *name, *rows;
	bool numbered;
} tables[TABLES] = {
	{"commands", "id = ?1", false},
	{"calls", "id = ?2", false},
	{"users", "id IN (SELECT user_id FROM call_participants WHERE call_id = ?2)", false},
	{"call_participants", "call_id = ?2 ORDER BY position", false},
	{"call_events", "call_id = ?2 ORDER BY seq", true},
};

struct rows {
	struct cell *cells; /* owned: n rows of as many columns as the table has */
	size_t n;
};

struct bare {
	char learned[256];
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *insert[TABLES];
	int n_columns[TABLES];
	size_t n_sets;
	struct rows (*sets)[TABLES]; /* owned */
};

static void check(sqlite3 *db, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
		return;
	fprintf(stderr, "bare SQLite: %s\n", sqlite3_errmsg(db));
	exit(1);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;
	check(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL));
	return stmt;
}

/* --- learning --- */

static void *must(void *memory)
{
	if (!memory)
		exit(1);
	return memory;
}

static struct cell take_cell(sqlite3_stmt *row, int column)
{
	struct cell cell = {.is_null = sqlite3_column_type(row, column) == SQLITE_NULL};
	if (sqlite3_column_type(row, column) == SQLITE_INTEGER)
		cell.number = sqlite3_column_int64(row, column);
	if (sqlite3_column_type(row, column) != SQLITE_TEXT)
		return cell;
	cell.len = sqlite3_column_bytes(row, column);
	cell.text = must(mem_dup(str_n((const char *)sqlite3_column_text(row, column), (size_t)cell.len)));
	return cell;
}

static void take_rows(struct bare *b, size_t which, sqlite3_stmt *read, struct rows *rows)
{
	int n_columns = b->n_columns[which] = sqlite3_column_count(read);
	while (sqlite3_step(read) == SQLITE_ROW) {
		rows->cells = must(mem_resize(rows->cells, (rows->n + 1) * (size_t)n_columns * sizeof *rows->cells));
		for (int i = 0; i < n_columns; i++)
			rows->cells[rows->n * (size_t)n_columns + (size_t)i] = take_cell(read, i);
		if (tables[which].numbered)
			rows->cells[rows->n * (size_t)n_columns].is_null = true;
		rows->n++;
	}
}

struct bare *bare_learn(const char *path, struct change_set *const *sets, size_t n)
{
	struct bare *b = must(mem_new(sizeof *b));
	sqlite3 *db;
	b->n_sets = n;
	b->sets = must(mem_new(n * sizeof *b->sets));
	snprintf(b->learned, sizeof b->learned, "%s", path);
	check(NULL, sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL));
	for (size_t t = 0; t < TABLES; t++) {
		char sql[160];
		snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE %s", tables[t].name, tables[t].rows);
		sqlite3_stmt *read = prepare(db, sql);
		for (size_t i = 0; i < n; i++) {
			if (t == 0)
				check(db, sqlite3_bind_text(read, 1, sets[i]->command_id, -1, SQLITE_STATIC));
			else
				check(db, sqlite3_bind_text(read, 2, sets[i]->call->id, -1, SQLITE_STATIC));
			take_rows(b, t, read, &b->sets[i][t]);
			check(db, sqlite3_reset(read));
		}
		sqlite3_finalize(read);
	}
	sqlite3_close(db);
	return b;
}

void bare_free(struct bare *b)
{
	for (size_t i = 0; i < b->n_sets; i++)
		for (size_t t = 0; t < TABLES; t++) {
			struct rows *rows = &b->sets[i][t];
			for (size_t c = 0; c < rows->n * (size_t)b->n_columns[t]; c++)
				mem_free(rows->cells[c].text);
			mem_free(rows->cells);
		}
	mem_free(b->sets);
	mem_free(b);
}

/* --- writing --- */

void bare_open(struct bare *b, const char *path)
{
	check(NULL, sqlite3_open_v2(path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
	check(b->db,
		sqlite3_exec(b->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8000",
			NULL, NULL, NULL));
	b->begin = prepare(b->db, "BEGIN IMMEDIATE");
	b->commit = prepare(b->db, "COMMIT");
	for (size_t t = 0; t < TABLES; t++) {
		char sql[80 + 3 * COLUMNS_MAX];
		int len = snprintf(sql, sizeof sql, "INSERT OR IGNORE INTO %s VALUES (?", tables[t].name);
		for (int i = 1; i < b->n_columns[t] && i < COLUMNS_MAX; i++)
			len += snprintf(sql + len, sizeof sql - (size_t)len, ", ?");
		snprintf(sql + len, sizeof sql - (size_t)len, ")");
		b->insert[t] = prepare(b->db, sql);
	}
}

static void step(struct bare *b, sqlite3_stmt *stmt)
{
	check(b->db, sqlite3_step(stmt));
	sqlite3_reset(stmt);
}

static void bind_cell(sqlite3_stmt *stmt, int at, const struct cell *cell)
{
	if (cell->is_null)
		sqlite3_bind_null(stmt, at);
	else if (cell->text)
		sqlite3_bind_text(stmt, at, cell->text, cell->len, SQLITE_STATIC);
	else
		sqlite3_bind_int64(stmt, at, cell->number);
}

static void write_rows(struct bare *b, size_t which, const struct rows *rows)
{
	const struct cell *cell = rows->cells;
	for (size_t row = 0; row < rows->n; row++) {
		for (int i = 1; i <= b->n_columns[which]; i++)
			bind_cell(b->insert[which], i, cell++);
		step(b, b->insert[which]);
	}
}

void bare_write(struct bare *b, size_t batch)
{
	for (size_t i = 0; i < b->n_sets;) {
		step(b, b->begin);
		for (size_t end = i + batch; i < end && i < b->n_sets; i++)
			for (size_t t = 0; t < TABLES; t++)
				write_rows(b, t, &b->sets[i][t]);
		step(b, b->commit);
	}
}

/* --- the same rows? --- */

/* The first table that does not hold what the store's holds, or null. */
static const char *difference(struct bare *b, sqlite3_stmt *names)
{
	while (sqlite3_step(names) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(names, 0);
		char sql[400];
		snprintf(sql, sizeof sql,
			"SELECT (SELECT count(*) FROM main.%s) = (SELECT count(*) FROM store.%s)"
			" AND NOT EXISTS (SELECT * FROM store.%s EXCEPT SELECT * FROM main.%s)",
			name, name, name, name);
		sqlite3_stmt *same = prepare(b->db, sql);
		check(b->db, sqlite3_step(same));
		bool is_same = sqlite3_column_int(same, 0);
		sqlite3_finalize(same);
		if (!is_same)
			return name;
	}
	return NULL;
}

void bare_close(struct bare *b)
{
	char sql[300];
	snprintf(sql, sizeof sql, "ATTACH '%s' AS store", b->learned);
	check(b->db, sqlite3_exec(b->db, sql, NULL, NULL, NULL));
	sqlite3_stmt *names = prepare(b->db, "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
					     " AND name NOT LIKE 'sqlite_%'");
	const char *name = difference(b, names);
	if (name) {
		fprintf(stderr, "bare SQLite: %s does not hold the rows that the store wrote\n", name);
		exit(1);
	}
	sqlite3_finalize(names);
	sqlite3_finalize(b->begin);
	sqlite3_finalize(b->commit);
	for (size_t t = 0; t < TABLES; t++)
		sqlite3_finalize(b->insert[t]);
	sqlite3_close(b->db);
}
