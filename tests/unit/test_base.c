/* sim/base from outside: known answers of hashes, what Kubernetes and Go read and refuse, round trips, arenas that run out, near names.
 * Expected values are written down or computed by other means, never by the code under test. */
#include <string.h>

#include "sim/base/arena.h"
#include "sim/base/err.h"
#include "sim/base/hash.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "tests/testing.h"

typedef bool (*ParseWhole)(const char *text, int64_t *value, const char **why);
typedef bool (*ParseReal)(const char *text, double *value, const char **why);
typedef struct Whole {
  const char *text;
  int64_t value;
} Whole;
typedef struct Real {
  const char *text;
  double value;
} Real;

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int wrong; /* of the test that runs: a table is read to its end before it fails */

static void expect_wholes(const char *name, ParseWhole parse, const Whole *row, size_t n) {
  for (size_t k = 0; k < n; k++) {
    int64_t value = -77;
    const char *why = "";
    bool ok = parse(row[k].text, &value, &why);
    if (ok && value == row[k].value) continue;
    print_error("%s(\"%s\"): %lld instead of %lld %s\n", name, row[k].text, (long long)value, (long long)row[k].value, ok ? "" : why);
    wrong++;
  }
}

static void expect_reals(const char *name, ParseReal parse, const Real *row, size_t n) {
  for (size_t k = 0; k < n; k++) {
    double value = -77;
    const char *why = "";
    if (parse(row[k].text, &value, &why) && value == row[k].value) continue;
    print_error("%s(\"%s\"): %.17g instead of %.17g %s\n", name, row[k].text, value, row[k].value, why);
    wrong++;
  }
}

static void expect_refused(const char *name, ParseWhole whole, ParseReal real, const char *text) {
  int64_t value;
  double number;
  const char *why = NULL;
  bool read = whole ? whole(text, &value, &why) : real(text, &number, &why);
  if (!read && why && why[0]) return;
  print_error("%s(\"%s\") is %s\n", name, text, read ? "read" : "refused without a reason");
  wrong++;
}

#define WHOLES(parse, ...)                                  \
  do {                                                      \
    static const Whole rows[] = {__VA_ARGS__};              \
    expect_wholes(#parse, parse, rows, COUNT(rows));        \
  } while (0)
#define REALS(parse, ...)                                   \
  do {                                                      \
    static const Real rows[] = {__VA_ARGS__};               \
    expect_reals(#parse, parse, rows, COUNT(rows));         \
  } while (0)
#define REFUSES(parse, ...)                                                                            \
  do {                                                                                                 \
    static const char *const rows[] = {__VA_ARGS__};                                                   \
    for (size_t k = 0; k < COUNT(rows); k++)                                                           \
      expect_refused(#parse, _Generic(&parse, ParseWhole: parse, default: NULL),                       \
                     _Generic(&parse, ParseReal: parse, default: NULL), rows[k]);                      \
  } while (0)

static void none_wrong(void) {
  int count = wrong;
  wrong = 0;
  assert_int_equal(count, 0);
}

/* ---- quantities ----------------------------------------------------------------------------------------------------- */

static void test_bytes(void **state) {
  (void)state;
  WHOLES(parse_bytes, {"16Gi", INT64_C(17179869184)}, {"10G", INT64_C(10000000000)}, {"1.5Gi", 1610612736}, {"123456789", 123456789},
         {"1e9", 1000000000}, {"1E9", 1000000000}, {"1e+3", 1000}, {"0", 0}, {"-1", -1}, {"+1", 1}, {"5.", 5}, {".5Ki", 512}, {"1k", 1000},
         {"1M", 1000000}, {"1T", INT64_C(1000000000000)}, {"1P", INT64_C(1000000000000000)}, {"1E", INT64_C(1000000000000000000)},
         {"1E3", 1000}, {"1Ki", 1024}, {"1Mi", 1048576}, {"1Ti", INT64_C(1) << 40}, {"1Pi", INT64_C(1) << 50}, {"1Ei", INT64_C(1) << 60},
         {"7Ei", INT64_C(7) << 60}, {"9223372036854775807", INT64_MAX}, {"007", 7}, {"1.25Ki", 1280});
  /* Fractions of a byte are rounded up. */
  WHOLES(parse_bytes, {"0.5", 1}, {"100m", 1}, {"1500m", 2}, {"2000m", 2}, {"1n", 1}, {"0.0000000001", 1}, {"1e-30", 1}, {"0.1Ki", 103},
         {"0.3Gi", 322122548}, {"0.0001Ki", 1}, {"0e99", 0}, {"0.000", 0});
  REFUSES(parse_bytes, "", " ", "1 ", " 1", "10GB", "10GiB", "10gb", "1K", "1ki", "1g", "x", "1x", "0x10", "nan", "NaN", "inf", "-inf", ".",
          "-", "+", "--1", "1..2", "1.2.3", "1e", "1e+", "1e9Gi", "1Gi ", "1 Gi", "1_000", "1,5", "8Ei", "9223372036854775808", "10E", "1e19",
          "1e999999999999", "99999999999999999999999999999999999999999999");
  none_wrong();
}

static void test_bytes_reason(void **state) {
  (void)state;
  int64_t bytes;
  const char *why = "";
  assert_false(parse_bytes("10GB", &bytes, &why));
  assert_non_null(strstr(why, "10G"));
  assert_non_null(strstr(why, "10Gi"));
}

static void test_milli(void **state) {
  (void)state;
  WHOLES(parse_milli, {"4", 4000}, {"500m", 500}, {"1.5", 1500}, {"2k", 2000000}, {"0.1", 100}, {"0.0001", 1}, {"100u", 1}, {"1n", 1},
         {"1.0001", 1001}, {"0", 0}, {"1e-3", 1}, {"9223372036854775.807", INT64_MAX});
  REFUSES(parse_milli, "", "500 m", "500mm", "9223372036854775.808", "nan", "inf", "0x1");
  none_wrong();
}

/* From Go's time_test.go (parseDurationTests, parseDurationErrorTests), and d and w, which are ours. */
static void test_duration(void **state) {
  (void)state;
  WHOLES(parse_duration_ns, {"0", 0}, {"5s", INT64_C(5000000000)}, {"30s", INT64_C(30000000000)}, {"1478s", INT64_C(1478000000000)},
         {"-5s", INT64_C(-5000000000)}, {"+5s", INT64_C(5000000000)}, {"-0", 0}, {"+0", 0}, {"5.0s", INT64_C(5000000000)},
         {"5.6s", INT64_C(5600000000)}, {"5.s", INT64_C(5000000000)}, {".5s", 500000000}, {"1.0s", 1000000000}, {"1.00s", 1000000000},
         {"1.004s", 1004000000}, {"1.0040s", 1004000000}, {"100.00100s", INT64_C(100001000000)}, {"10ns", 10}, {"11us", 11000},
         {"12\xc2\xb5s", 12000}, {"12\xce\xbcs", 12000}, {"13ms", 13000000}, {"14s", INT64_C(14000000000)}, {"15m", INT64_C(900000000000)},
         {"16h", INT64_C(57600000000000)}, {"3h30m", INT64_C(12600000000000)}, {"10.5s4m", INT64_C(250500000000)},
         {"-2m3.4s", INT64_C(-123400000000)}, {"1h2m3s4ms5us6ns", INT64_C(3723004005006)}, {"39h9m14.425s", INT64_C(140954425000000)},
         {"52763797000ns", INT64_C(52763797000)}, {"0.3333333333333333333h", INT64_C(1200000000000)}, {"9007199254740993ns", INT64_C(9007199254740993)},
         {"9223372036854775807ns", INT64_MAX}, {"9223372036854775.807us", INT64_MAX}, {"9223372036s854ms775us807ns", INT64_MAX},
         {"-9223372036854775808ns", INT64_MIN}, {"0.100000000000000000000h", INT64_C(360000000000)},
         {"0.830103483285477580700h", INT64_C(2988372539827)}, {"1d", INT64_C(86400000000000)}, {"2w", INT64_C(1209600000000000)},
         {"1d12h", INT64_C(129600000000000)}, {"0.9ns", 0}, {"1.9ns", 1}, {"95s", INT64_C(95000000000)});
  REFUSES(parse_duration_ns, "", "3", "-", "s", ".", "-.", ".s", "+.s", "1d ", " 1s", "1s ", "1 s", "1x", "1S", "1min", "1e3s", "nan", "inf", "infs", "0x1s",
          "9223372036854775810ns", "9223372036854775808ns", "-9223372036854775809ns", "9223372036854776us", "3000000h", "9223372036854ms775us808ns1s", "1h30", "1..5s", "--1s");
  none_wrong();
}

static void test_numbers(void **state) {
  (void)state;
  REALS(parse_ratio, {"0.7", 0.7}, {"70%", 0.7}, {"0", 0}, {"100%", 1}, {"99.9%", 0.999}, {"29%", 0.29}, {"57%", 0.57}, {"7%", 0.07}, {"1", 1}, {"-5%", -0.05});
  REFUSES(parse_ratio, "", "%", "70 %", "70%%", "abc", "nan", "inf%", "0.7x", "0.7 ");
  REALS(parse_rate_rps, {"40/s", 40}, {"12/m", 0.2}, {"3/h", 3.0 / 3600}, {"1.5k/s", 1500}, {"1e3/s", 1000}, {"0/s", 0}, {"2M/s", 2e6});
  REFUSES(parse_rate_rps, "", "40", "40/", "/s", "40/x", "40 /s", "40/s ", "nan/s", "inf/s", "40s", "40/ss");
  REALS(parse_number, {"12", 12}, {"1e6", 1e6}, {"2.5k", 2500}, {"1M", 1e6}, {"3G", 3e9}, {"-1.5", -1.5}, {"0.1", 0.1}, {"1e-300", 1e-300},
        {"1.1k", 1100}, {"4.35k", 4350}, {"0.1000000000000000055511151231257827021181583404541015625", 0.1});
  REFUSES(parse_number, "", " 1", "1 ", "nan", "inf", "infinity", "0x10", "1e999", "1kk", "1Ki", "e5", ".", "1,5", "1e");
  WHOLES(parse_integer, {"12", 12}, {"1e8", 100000000}, {"-3", -3}, {"1.5e3", 1500}, {"9223372036854775807", INT64_MAX}, {"0", 0}, {"9e18", INT64_C(9000000000000000000)});
  REFUSES(parse_integer, "", "1.5", "1e-1", "9223372036854775808", "1e19", "0x1", "1k", "nan", "12 ", " 12", "1.25e1");
  none_wrong();
}

static void test_money(void **state) {
  (void)state;
  WHOLES(parse_usd_per_h, {"$0.526/h", 526000000}, {"$12/h", INT64_C(12000000000)}, {"$0.000000001/h", 1}, {"$0/h", 0});
  REFUSES(parse_usd_per_h, "", "0.526/h", "$0.526", "$0.526/s", "$/h", "$0.0000000001/h", "$1e3/h", "$-1/h", "$1 /h", "$nan/h", "$10000000000/h", "$1/h ");
  WHOLES(parse_usd, {"$100", INT64_C(100000000000)}, {"$0.5", 500000000});
  REFUSES(parse_usd, "", "100", "$", "$1/h", "$1.0000000001", "$ 1", "$1,000", "$inf");
  none_wrong();
}

static void round_trip(const char *name, size_t (*format)(char *, int64_t), ParseWhole parse, int64_t value) {
  char text[48];
  int64_t back = 0;
  const char *why = "";
  size_t length = format(text, value);
  if (length == strlen(text) && parse(text, &back, &why) && back == value) return;
  print_error("%s: %lld is written \"%s\" (length %zu) and read as %lld %s\n", name, (long long)value, text, length, (long long)back, why);
  wrong++;
}

static void test_round_trips(void **state) {
  (void)state;
  uint64_t x = 88172645463325252u; /* xorshift64: Marsaglia, Journal of Statistical Software 8 (2003) */
  static const int64_t units[] = {1, 1000, 1000000, 1000000000, INT64_C(60000000000), INT64_C(3600000000000), INT64_C(86400000000000), 1024, 1 << 20, 1 << 30};
  for (int k = 0; k < repetitions(20000, 1000000) && wrong < 10; k++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    int64_t unit = units[x % COUNT(units)], value = (int64_t)((x >> 1) >> (x >> 58)) / unit * unit;
    round_trip("format_duration", format_duration, parse_duration_ns, value);
    round_trip("format_duration", format_duration, parse_duration_ns, -value);
    round_trip("format_bytes", format_bytes, parse_bytes, value);
    round_trip("format_milli", format_milli, parse_milli, value);
    round_trip("format_usd_per_h", format_usd_per_h, parse_usd_per_h, value);
  }
  round_trip("format_duration", format_duration, parse_duration_ns, INT64_MIN);
  round_trip("format_duration", format_duration, parse_duration_ns, INT64_MAX);
  char text[48];
  format_bytes(text, INT64_C(17179869184));
  assert_string_equal(text, "16Gi");
  format_milli(text, 500);
  assert_string_equal(text, "500m");
  format_usd_per_h(text, 526000000);
  assert_string_equal(text, "$0.526/h");
  none_wrong();
}

/* ---- hashes --------------------------------------------------------------------------------------------------------- */

static void test_sha256(void **state) {
  (void)state; /* FIPS 180-4 examples */
  char hex[SHA256_HEX_BYTES];
  sha256_hex("", 0, hex);
  assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  sha256_hex("abc", 3, hex);
  assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
  assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_hashes(void **state) {
  (void)state; /* FNV test vectors; chaining is hashing the whole; names: the finaliser of 0 is 0 only for 0 */
  assert_true(hash_bytes(0, "", 0) == UINT64_C(0xcbf29ce484222325));
  assert_true(hash_bytes(0, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
  assert_true(hash_bytes(0, "foobar", 6) == UINT64_C(0x85944171f73967e8));
  assert_true(hash_bytes(hash_bytes(0, "foo", 3), "bar", 3) == hash_bytes(0, "foobar", 6));
  uint32_t h = 0xbf9cf968u; /* FNV-1a 32 of "foobar"; fmix32 is undone step by step */
  uint32_t mixed = hash_name("foobar");
  mixed ^= mixed >> 16;
  mixed *= 0x7ed1b41du; /* inverse of 0xc2b2ae35 */
  mixed ^= mixed >> 13 ^ mixed >> 26;
  mixed *= 0xa5cb9243u; /* inverse of 0x85ebca6b */
  mixed ^= mixed >> 16;
  assert_int_equal(mixed, h);
}

/* ---- arenas --------------------------------------------------------------------------------------------------------- */

static void test_arena(void **state) {
  (void)state;
  Arena arena = {0};
  for (size_t k = 0; k < 3000; k++) {
    size_t size = k % 97 * (k % 11 == 0 ? 1000 : 1);
    unsigned char *bytes = arena_alloc(&arena, size, 1);
    assert_non_null(bytes);
    assert_int_equal((uintptr_t)bytes % 16, 0);
    for (size_t i = 0; i < size; i++) assert_int_equal(bytes[i], 0);
    if (size > 0) memset(bytes, 0xa5, size); /* what follows must be zero all the same */
  }
  assert_true(arena.used_bytes > 0);
  int *old = ARENA_ARRAY(&arena, int, 3);
  old[0] = 7, old[2] = 9;
  int *grown = arena_grow(&arena, old, 3, 100, sizeof *old);
  assert_int_equal(grown[0], 7);
  assert_int_equal(grown[2], 9);
  assert_int_equal(grown[99], 0);
  assert_int_equal(old[2], 9);
  assert_string_equal(arena_text(&arena, "abcdef", 3), "abc");
  assert_string_equal(arena_format(&arena, "%s-%d", "x", 42), "x-42");
  arena_free(&arena);
  assert_int_equal(arena.used_bytes, 0);
  assert_non_null(ARENA_NEW(&arena, double));
  arena_free(&arena);
}

static int exhaust(Arena *arena, size_t count, size_t size) {
  jmp_buf out;
  arena->exhausted = &out;
  if (setjmp(out)) return 1;
  arena_alloc(arena, count, size);
  return 0;
}

static void test_arena_exhausted(void **state) {
  (void)state;
  Arena arena = {0};
  assert_int_equal(exhaust(&arena, 10, 10), 0);
  assert_int_equal(exhaust(&arena, SIZE_MAX / 8, 16), 1);          /* the product overflows */
  assert_int_equal(exhaust(&arena, SIZE_MAX, 1), 1);
  assert_int_equal(exhaust(&arena, (size_t)PTRDIFF_MAX, 1), 1);
  assert_int_equal(exhaust(&arena, 10, 10), 0); /* and it is usable after that */
  arena_free(&arena);
}

/* ---- texts and errors ----------------------------------------------------------------------------------------------- */

static void test_text(void **state) {
  (void)state;
  Arena arena = {0};
  Text text = {.arena = &arena};
  for (int k = 0; k < 500; k++) text_addf(&text, "%d,", k % 10);
  text_add(&text, "end", 3);
  assert_int_equal(text.length, 1003);
  assert_int_equal(strlen(text.bytes), 1003);
  assert_string_equal(text.bytes + 996, "8,9,end");
  arena_free(&arena);
  static const double values[] = {0, 0.1, 1e20, 1.0 / 3, 5e-324, 1.7976931348623157e308, -2.5, 123456789, 2.2250738585072014e-308, 9007199254740993.0};
  for (size_t k = 0; k < COUNT(values); k++) {
    char buffer[32];
    size_t length = text_double(buffer, values[k]);
    assert_int_equal(length, strlen(buffer));
    assert_true(strtod(buffer, NULL) == values[k]);
  }
  char buffer[32];
  text_double(buffer, 0.1);
  assert_string_equal(buffer, "0.1");
  text_double(buffer, 1e20);
  assert_string_equal(buffer, "1e+20");
  text_double(buffer, 5e-324);
  assert_string_equal(buffer, "5e-324");
}

static void test_near_names(void **state) {
  (void)state;
  static const char *const names[] = {"replicas", "requests", "horizon", "workload", "pool"};
  assert_int_equal(text_distance("kitten", "sitting", 10), 3);
  assert_int_equal(text_distance("ca", "abc", 10), 3); /* optimal string alignment; 2 with unrestricted transpositions */
  assert_int_equal(text_distance("abcd", "abdc", 10), 1);
  assert_int_equal(text_distance("ABC", "abc", 10), 0);
  assert_int_equal(text_distance("", "abc", 10), 3);
  assert_true(text_distance("abcdefgh", "zyxwvuts", 2) > 2);
  assert_string_equal(text_nearest("replcias", names, COUNT(names)), "replicas");
  assert_string_equal(text_nearest("Horizn", names, COUNT(names)), "horizon");
  assert_string_equal(text_nearest("pol", names, COUNT(names)), "pool");
  assert_null(text_nearest("nothing-like-it", names, COUNT(names)));
  assert_null(text_nearest("pool", names, 0));
  assert_true(text_equal("a", "a"));
  assert_false(text_equal("a", "ab"));
}

static void test_err(void **state) {
  (void)state;
  Err err = {0};
  assert_int_equal(err_code(&err), ERR_NONE);
  assert_false(err_at(&err, "b[0].c", "no %d", 1));
  assert_false(err_at(&err, "[2]", "x"));
  assert_false(err_at(&err, "", "y"));
  err_prefix(&err, 0, "a");
  assert_string_equal(err.item[0].path, "a.b[0].c");
  assert_string_equal(err.item[1].path, "a[2]");
  assert_string_equal(err.item[2].path, "a");
  assert_string_equal(err.item[0].message, "no 1");
  for (int k = 0; k < 30; k++) err_add(&err, ERR_IO, "%01500d", k);
  assert_int_equal(err.count, 33);
  assert_int_equal(strlen(err.item[5].message), ERR_MESSAGE_BYTES - 1);
  assert_int_equal(err_code(&err), ERR_SCENARIO);
  for (int k = 0; k < 100; k++) err_prefix(&err, 0, "long-prefix");
  assert_true(strlen(err.item[0].path) < ERR_PATH_BYTES);
  err_clear(&err);
  assert_int_equal(err_code(&err), ERR_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),       cmocka_unit_test(test_bytes_reason), cmocka_unit_test(test_milli),
      cmocka_unit_test(test_duration),    cmocka_unit_test(test_numbers),      cmocka_unit_test(test_money),
      cmocka_unit_test(test_round_trips), cmocka_unit_test(test_sha256),       cmocka_unit_test(test_hashes),
      cmocka_unit_test(test_arena),       cmocka_unit_test(test_arena_exhausted), cmocka_unit_test(test_text),
      cmocka_unit_test(test_near_names),  cmocka_unit_test(test_err)};
  return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
