/* The parts of the trace reader: bytes out of plain, gzip and tar files, records across the edges of what is read at a time, JSON Lines,
 * the stable sort. Whole files are the subject of tests/traces. */
#include "tests/testing.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "sim/lab/json_lines.h"
#include "sim/lab/trace_rows.h"
#include "sim/lab/trace_statistics.h"

typedef struct Fixture {
  Arena arena;
  char path[64];
  Err err;
} Fixture;

static int setup(void **state) {
  Fixture *f = calloc(1, sizeof *f);
  strcpy(f->path, "/tmp/headroom-traces-XXXXXX");
  int file = mkstemp(f->path);
  assert_true(file >= 0);
  close(file);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  Fixture *f = *state;
  arena_free(&f->arena);
  unlink(f->path);
  free(f);
  return 0;
}

static void put(const Fixture *f, const char *text, size_t length) {
  FILE *file = fopen(f->path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, length, file), length);
  assert_int_equal(fclose(file), 0);
}

static ByteSource *opened(Fixture *f) {
  err_clear(&f->err);
  ByteSource *source = bytes_open(f->path, &f->arena, &f->err);
  if (!source) fail_msg("%s", f->err.item[0].message);
  return source;
}

/* ---- bytes ---- */

static void test_bytes_come_as_they_are(void **state) {
  Fixture *f = *state;
  for (size_t length = 0; length < 400000; length = length * 3 + 1) {
    char *content = arena_alloc(&f->arena, length + 1, 1), *got = arena_alloc(&f->arena, length + 1, 1);
    for (size_t k = 0; k < length; k++) content[k] = (char)(k * 7919 >> 3);
    for (int zipped = 0; zipped < 2; zipped++) {
      if (zipped) { /* two gzip streams, one behind the other */
        gzFile file = gzopen(f->path, "wb1");
        if (length > 1) assert_int_equal(gzwrite(file, content, (unsigned)(length / 2)), length / 2);
        gzclose(file);
        file = gzopen(f->path, "ab9");
        gzwrite(file, content + length / 2, (unsigned)(length - length / 2));
        gzclose(file);
      } else {
        put(f, content, length);
      }
      ByteSource *source = opened(f);
      size_t at = 0, n;
      assert_true(bytes_next_member(source));
      while ((n = bytes_read(source, got + at, 1 + at % 1000)) > 0) at += n;
      assert_int_equal(f->err.count, 0);
      assert_int_equal(at, length);
      assert_memory_equal(got, content, length);
      assert_false(bytes_next_member(source));
      bytes_close(source);
    }
  }
}

/* A header block of a tar with its checksum. */
static void tar_block(char block[512], const char *name, const char *octal_size, char kind) {
  memset(block, 0, 512);
  strncpy(block, name, 100);
  strcpy(block + 124, octal_size);
  memset(block + 148, ' ', 8);
  block[156] = kind;
  memcpy(block + 257, "ustar\00000", 8);
  unsigned sum = 0;
  for (size_t k = 0; k < 512; k++) sum += (unsigned char)block[k];
  snprintf(block + 148, 8, "%06o", sum);
}

static void test_members_of_a_tar(void **state) {
  Fixture *f = *state;
  char tar[512 * 8] = {0}, got[600];
  tar_block(tar, "folder/", "0", '5');
  tar_block(tar + 512, "folder/a.csv", "00000000003", '0');
  memcpy(tar + 1024, "abc", 3);
  tar_block(tar + 1536, "empty", "0", '0');
  tar_block(tar + 2048, "b.csv", "00000001000", '\0');
  memset(tar + 2560, 'b', 512);
  put(f, tar, sizeof tar);
  ByteSource *source = opened(f);
  assert_true(bytes_is_tar(source));
  assert_true(bytes_next_member(source));
  assert_non_null(strstr(bytes_name(source), "(folder/a.csv)"));
  assert_int_equal(bytes_read(source, got, 2), 2); /* the rest is skipped */
  assert_true(bytes_next_member(source));
  assert_int_equal(bytes_read(source, got, sizeof got), 0);
  assert_true(bytes_next_member(source));
  assert_int_equal(bytes_read(source, got, sizeof got), 512);
  assert_int_equal(bytes_read(source, got, sizeof got), 0);
  assert_false(bytes_next_member(source));
  assert_int_equal(f->err.count, 0);
  bytes_close(source);
  tar[2048] = 'c'; /* its checksum is wrong now */
  put(f, tar, sizeof tar);
  source = opened(f);
  assert_true(bytes_next_member(source) && bytes_next_member(source));
  assert_false(bytes_next_member(source));
  assert_non_null(strstr(f->err.item[0].message, "a header of the tar is damaged"));
  assert_int_equal(err_code(&f->err), ERR_SCENARIO);
  bytes_close(source);
}

/* ---- records ---- */

/* Rows of every length around the size of the window, so that each kind of end of line meets each edge. */
static void test_records_across_the_window(void **state) {
  Fixture *f = *state;
  static const char *const ends[] = {"\n", "\r\n"};
  Csv *csv = ARENA_NEW(&f->arena, Csv);
  for (size_t shift = 65530 - 20; shift < 65540; shift++) {
    for (size_t e = 0; e < 4; e++) {
      Text text = {.arena = &f->arena};
      char *filling = arena_alloc(&f->arena, shift + 1, 1);
      memset(filling, 'x', shift);
      text_addf(&text, "%s,1%s\"a \"\"q\"\"%sb\",%s2%s,%s", filling, ends[e % 2], ends[e % 2], e < 2 ? "\"" : "", e < 2 ? "\"" : "", ends[e % 2]);
      text_addf(&text, "last,3");
      put(f, text.bytes, text.length);
      ByteSource *source = opened(f);
      bytes_next_member(source);
      csv_begin(csv, source, &f->arena, &f->err);
      assert_true(csv_next(csv));
      assert_int_equal(csv->n_fields, 2);
      assert_int_equal(csv->field[0].length, shift);
      assert_memory_equal(csv_start(csv, csv->field[1]), "1", 1);
      assert_true(csv_next(csv));
      char value[CSV_FIELD_BYTES];
      assert_int_equal(csv->n_fields, 3);
      assert_true(csv_text(csv, csv->field[0], value));
      assert_string_equal(value, e % 2 ? "a \"q\"\r\nb" : "a \"q\"\nb");
      assert_true(csv_text(csv, csv->field[1], value));
      assert_string_equal(value, "2");
      assert_int_equal(csv->field[2].length, 0);
      assert_true(csv_next(csv));
      assert_int_equal(csv->lines_before, 3);
      assert_int_equal(csv->field[1].length, 1);
      assert_false(csv_next(csv));
      assert_int_equal(f->err.count, 0);
      bytes_close(source);
    }
  }
}

static void test_json_lines(void **state) {
  Fixture *f = *state;
  static const char text[] = "{ \"a\" : 1.5e3 , \"b c\":\"x\\\"}\", \"n\":[{\"a\":[]},\"]\"],\"z\":null}\r\n\n  {\"z\":true,\"new\":4,\"a\":-2}\n{}\n";
  put(f, text, sizeof text - 1);
  ByteSource *source = opened(f);
  bytes_next_member(source);
  Csv *csv = ARENA_NEW(&f->arena, Csv);
  csv_begin(csv, source, &f->arena, &f->err);
  assert_true(json_lines_begin(csv));
  assert_true(json_lines_next(csv));
  assert_int_equal(csv->n_header, 4);
  assert_int_equal(csv_column(csv, "b c"), 1);
  char value[CSV_FIELD_BYTES];
  static const char *const first[] = {"1.5e3", "x\\\"}", "[{\"a\":[]},\"]\"]", ""};
  for (size_t k = 0; k < 4; k++) {
    csv_text(csv, csv->field[k], value);
    assert_string_equal(value, first[k]);
  }
  assert_true(json_lines_next(csv));
  static const char *const second[] = {"-2", "", "", "true"};
  for (size_t k = 0; k < 4; k++) {
    csv_text(csv, csv->field[k], value);
    assert_string_equal(value, second[k]);
  }
  assert_int_equal(csv->lines_before, 2);
  assert_true(json_lines_next(csv));
  assert_false(json_lines_next(csv));
  assert_int_equal(f->err.count, 0);
  bytes_close(source);
}

static void test_broken_json(void **state) {
  Fixture *f = *state;
  static const char *const broken[] = {"{",       "{\"a\"",       "{\"a\":",      "{\"a\":1",     "{\"a\":1,",      "{\"a\":[1}",   "{\"a\":1}x",
                                       "{a:1}",   "{\"a\" 1}",    "{\"a\":\"x}",  "{\"a\":\"\\", "{\"a\":{\"b\":1}", "{\"a\":}",     "{\"a\":1 2}"};
  Csv *csv = ARENA_NEW(&f->arena, Csv);
  for (size_t k = 0; k < sizeof broken / sizeof broken[0]; k++) {
    put(f, broken[k], strlen(broken[k]));
    ByteSource *source = opened(f);
    bytes_next_member(source);
    csv_begin(csv, source, &f->arena, &f->err);
    assert_false(json_lines_next(csv));
    if (f->err.count != 1) fail_msg("%s is no error", broken[k]);
    bytes_close(source);
  }
}

/* ---- sorting ---- */

static void test_sort_is_stable(void **state) {
  Fixture *f = *state;
  TraceRows rows = {.arena = &f->arena};
  uint64_t x = 1;
  for (size_t k = 0; k < 50000; k++) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    TraceRow row = {(int64_t)(x >> 33) % 5000 - 2500 + (k % 7 == 0 ? INT64_MIN / 4 : 0), (double)k, 0};
    trace_rows_push(&rows, &row);
  }
  trace_rows_sort(&rows);
  for (size_t k = 1; k < rows.count; k++) {
    const TraceRow *a = trace_rows_at(&rows, k - 1), *b = trace_rows_at(&rows, k);
    assert_true(a->instant_ns < b->instant_ns || (a->instant_ns == b->instant_ns && a->first < b->first));
  }
}

static void test_doubles_sort(void **state) {
  (void)state;
  double value[] = {3, NAN, -1e300, 0.0, INFINITY, -0.5, 1e-300, -INFINITY, 2};
  static const double expected[] = {-INFINITY, -1e300, -0.5, 0, 1e-300, 2, 3, INFINITY};
  sort_doubles(value, 9, NULL);
  for (size_t k = 0; k < 8; k++) assert_true(value[k] == expected[k]);
  assert_true(isnan(value[8]));
}

/* ---- statistics ---- */

/* Counts 2, 0, 1 in whole seconds and one row at 3.5 s that lies in no whole one: mean 1, variance 2/3, so dispersion 2/3 and peak 2. */
static void test_windows_are_whole(void **state) {
  Fixture *f = *state;
  static const int64_t at_ms[] = {0, 900, 2000, 3500};
  TraceStatistics *s = ARENA_NEW(&f->arena, TraceStatistics);
  TraceFacts facts = {.shape = SHAPE_REQUESTS};
  trace_statistics_begin(s, &facts, &f->arena);
  for (size_t k = 0; k < 4; k++) trace_statistics_add(s, &(TraceRow){at_ms[k] * 1000000 + 77, NAN, NAN});
  trace_statistics_end(s, &facts);
  assert_int_equal(s->window[0].n_windows, 3);
  assert_int_equal(s->window[0].n_empty, 1);
  assert_true(fabs(trace_dispersion(&s->window[0]) - 2.0 / 3) < 1e-12);
  assert_true(s->window[0].peak == 2);
  assert_int_equal(s->window[1].n_windows, 0);
  assert_true(isnan(trace_dispersion(&s->window[1])));
  assert_int_equal(s->step_ns, 100000000); /* gaps of 900, 1100 and 1500 ms */
  /* mean 3500/3; squared distances 71111.1, 4444.4, 111111.1: sd 249.44, CV 0.21381 */
  assert_true(fabs(trace_gap_cv(s) - 0.2138090) < 1e-6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_bytes_come_as_they_are, setup, teardown),
      cmocka_unit_test_setup_teardown(test_members_of_a_tar, setup, teardown),
      cmocka_unit_test_setup_teardown(test_records_across_the_window, setup, teardown),
      cmocka_unit_test_setup_teardown(test_json_lines, setup, teardown),
      cmocka_unit_test_setup_teardown(test_broken_json, setup, teardown),
      cmocka_unit_test_setup_teardown(test_sort_is_stable, setup, teardown),
      cmocka_unit_test(test_doubles_sort),
      cmocka_unit_test_setup_teardown(test_windows_are_whole, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
