/* Exact reading of quantities: a decimal of integer digits and a power of ten, times a unit, rounded once. */
#include "sim/base/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"

typedef __int128 Wide;
#define WIDE_LIMIT ((Wide)1 << 120)

/* value = digits * 10^exponent, negated if negative. */
typedef struct Decimal {
  Wide digits;
  int exponent;
  bool negative;
} Decimal;

enum { MOST_DIGITS = 34, MOST_EXPONENT = 400 };

static bool fails(const char **why, const char *text) {
  *why = text;
  return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits with at most one point; *text moves behind them. */
static bool read_digits(const char **text, Decimal *decimal, const char **why) {
  const char *c = *text;
  int digits = 0;
  bool point = false, any = false;
  for (; is_digit(*c) || (*c == '.' && !point); c++) {
    if (*c == '.') {
      point = true;
      continue;
    }
    any = true;
    if (decimal->digits == 0 && *c == '0') {
      decimal->exponent -= point;
      continue;
    }
    if (++digits > MOST_DIGITS) return fails(why, "too many digits");
    decimal->digits = decimal->digits * 10 + (*c - '0');
    decimal->exponent -= point;
  }
  if (!any) return fails(why, "not a number");
  *text = c;
  return true;
}

/* [-+]digits[.digits] and, where an exponent is allowed, e[-+]digits. An "E" with no digit behind it is left (exa). */
static bool read_decimal(const char **text, bool exponents, Decimal *decimal, const char **why) {
  *decimal = (Decimal){0, 0, false};
  const char *c = *text;
  if (*c == '-' || *c == '+') decimal->negative = *c++ == '-';
  if (!read_digits(&c, decimal, why)) return false;
  if (exponents && (*c == 'e' || *c == 'E')) {
    const char *e = c + 1;
    bool minus = *e == '-';
    if (*e == '-' || *e == '+') e++;
    if (is_digit(*e)) {
      int value = 0;
      for (; is_digit(*e); e++) value = value < MOST_EXPONENT ? value * 10 + (*e - '0') : MOST_EXPONENT;
      decimal->exponent += minus ? -value : value;
      c = e;
    }
  }
  *text = c;
  return true;
}

typedef enum Rounding { ROUND_UP, ROUND_DOWN, ROUND_EXACT } Rounding;

/* digits * 10^exponent * numerator / denominator as an int64. */
static bool scale(const Decimal *d, Wide numerator, Wide denominator, Rounding rounding, int64_t *value,
                  const char **why) {
  Wide n = d->digits;
  int exponent = d->exponent;
  if (n == 0) {
    *value = 0;
    return true;
  }
  for (; exponent < 0 && n % 10 == 0; exponent++) n /= 10;
  if (__builtin_mul_overflow(n, numerator, &n)) return fails(why, "too large");
  for (; exponent > 0; exponent--)
    if (__builtin_mul_overflow(n, (Wide)10, &n) || n > WIDE_LIMIT) return fails(why, "too large");
  bool rest = false;
  for (; exponent < 0 && n > 0; exponent++) {
    rest = rest || n % 10 != 0;
    n /= 10;
  }
  rest = rest || n % denominator != 0;
  n /= denominator;
  if (rest && rounding == ROUND_EXACT) return fails(why, "too many decimals");
  if (rest && rounding == ROUND_UP && !d->negative) n++;
  if (n > INT64_MAX) return fails(why, "too large");
  *value = d->negative ? -(int64_t)n : (int64_t)n;
  return true;
}

/* ---- durations ---- */

typedef struct TimeUnit {
  const char *name;
  int64_t ns;
} TimeUnit;

static const TimeUnit time_units[] = {{"ns", 1},
                                      {"us", 1000},
                                      {"\xc2\xb5s", 1000}, /* U+00B5 and U+03BC, as Go */
                                      {"\xce\xbcs", 1000},
                                      {"ms", 1000000},
                                      {"min", 0},
                                      {"m", 60000000000},
                                      {"sec", 0},
                                      {"s", 1000000000},
                                      {"h", 3600000000000},
                                      {"d", 86400000000000},
                                      {"w", 604800000000000}};

static const char not_duration[] = "not a duration; write a number with a unit: 250ms, 95s, 5m, 24h, 7d";

static const TimeUnit *read_time_unit(const char **text) {
  for (size_t k = 0; k < sizeof time_units / sizeof *time_units; k++) {
    size_t length = strlen(time_units[k].name);
    if (strncmp(*text, time_units[k].name, length) != 0 || !time_units[k].ns) continue;
    char next = (*text)[length];
    if (next && !is_digit(next) && next != '.') continue;
    *text += length;
    return &time_units[k];
  }
  return NULL;
}

/* One term such as 1.5h, as time.ParseDuration reads it (Go 1.22): the whole part exact, the fraction by one product in double; digits
 * of the fraction beyond 2^63 are read and dropped. */
static bool read_duration_term(const char **text, uint64_t *ns, const char **why) {
  const uint64_t most = UINT64_C(1) << 63;
  uint64_t whole = 0, fraction = 0;
  double scale_by = 1;
  bool any = false, full = false;
  const char *c = *text;
  for (; is_digit(*c); c++, any = true) {
    if (whole > most / 10) return fails(why, "too large");
    whole = whole * 10 + (unsigned)(*c - '0');
    if (whole > most) return fails(why, "too large");
  }
  if (*c == '.')
    for (c++; is_digit(*c); c++, any = true) {
      uint64_t next = fraction * 10 + (unsigned)(*c - '0');
      full = full || fraction > (most - 1) / 10 || next > most;
      if (full) continue;
      fraction = next;
      scale_by *= 10;
    }
  if (!any) return fails(why, not_duration);
  if (!*c) return fails(why, "the unit is missing; write 250ms, 95s, 5m, 24h, 7d");
  const TimeUnit *unit = read_time_unit(&c);
  if (!unit) return fails(why, not_duration);
  if (whole > most / (uint64_t)unit->ns) return fails(why, "too large");
  *ns = whole * (uint64_t)unit->ns;
  if (fraction > 0) *ns += (uint64_t)((double)fraction * ((double)unit->ns / scale_by));
  *text = c;
  return *ns <= most ? true : fails(why, "too large");
}

bool parse_duration_ns(const char *text, int64_t *ns, const char **why) {
  const uint64_t most = UINT64_C(1) << 63;
  const char *c = text;
  bool negative = *c == '-';
  if (*c == '-' || *c == '+') c++;
  *ns = 0;
  if (!strcmp(c, "0")) return true;
  if (!*c) return fails(why, not_duration);
  uint64_t sum = 0, part;
  while (*c) {
    if (!read_duration_term(&c, &part, why)) return false;
    if (part > most - sum) return fails(why, "too large");
    sum += part;
  }
  if (sum == most && !negative) return fails(why, "too large");
  *ns = negative ? (int64_t)-sum : (int64_t)sum;
  return true;
}

/* ---- Kubernetes quantities ---- */

typedef struct Suffix {
  const char *name;
  int ten, two; /* powers */
} Suffix;

static const Suffix suffixes[] = {{"n", -9, 0},  {"u", -6, 0},  {"m", -3, 0},  {"", 0, 0},
                                  {"k", 3, 0},   {"M", 6, 0},   {"G", 9, 0},   {"T", 12, 0},
                                  {"P", 15, 0},  {"E", 18, 0},  {"Ki", 0, 10}, {"Mi", 0, 20},
                                  {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60}};

static const char *suffix_why(const char *suffix) {
  size_t n = strlen(suffix);
  if (n >= 2 && suffix[n - 1] == 'B') return "no such unit; Kubernetes writes 10G (10^9) or 10Gi (2^30), without B";
  if (*suffix == 'K') return "no such unit; Kubernetes writes k (10^3) or Ki (2^10)";
  return "not a quantity; write a number with one of n u m k M G T P E Ki Mi Gi Ti Pi Ei";
}

static bool parse_quantity(const char *text, Wide scale_by, int64_t *value, const char **why) {
  Decimal d;
  const char *c = text;
  if (!read_decimal(&c, true, &d, why)) return false;
  for (size_t k = 0; k < sizeof suffixes / sizeof *suffixes; k++) {
    if (strcmp(c, suffixes[k].name) != 0) continue;
    if (*c && memchr(text, 'e', (size_t)(c - text))) break; /* an exponent takes the suffix's place */
    if (*c && memchr(text, 'E', (size_t)(c - text))) break;
    d.exponent += suffixes[k].ten;
    return scale(&d, scale_by << suffixes[k].two, 1, ROUND_UP, value, why);
  }
  return fails(why, suffix_why(c));
}

bool parse_milli(const char *text, int64_t *milli, const char **why) { return parse_quantity(text, 1000, milli, why); }
bool parse_bytes(const char *text, int64_t *bytes, const char **why) { return parse_quantity(text, 1, bytes, why); }

/* ---- numbers ---- */

/* A finite double behind which `rest` must stand; 0x, inf and nan are no numbers here. The suffix that may follow (one of `suffixes_known`)
 * moves the decimal exponent before the text becomes a double, so that there is one rounding. */
static bool read_double(const char *text, const char *suffixes_known, double *number, const char **rest, const char **why) {
  const char *c = text + (*text == '-' || *text == '+');
  size_t whole = strspn(c, "0123456789"), fraction = 0;
  c += whole;
  if (*c == '.') fraction = strspn(c + 1, "0123456789"), c += 1 + fraction;
  if (whole + fraction == 0) return fails(why, "not a number");
  const char *digits_end = c;
  int exponent = 0;
  if ((*c == 'e' || *c == 'E') && is_digit(c[1 + (c[1] == '-' || c[1] == '+')])) {
    bool minus = c[1] == '-';
    for (c += 1 + (c[1] == '-' || c[1] == '+'); is_digit(*c); c++)
      exponent = exponent < 9999 ? exponent * 10 + (*c - '0') : exponent;
    if (minus) exponent = -exponent;
  }
  if (*c && strchr(suffixes_known, *c)) {
    exponent += *c == '%' ? -2 : *c == 'k' ? 3 : *c == 'M' ? 6 : 9;
    c++;
  }
  char copy[400];
  if (digits_end - text > 350) return fails(why, "too many digits");
  snprintf(copy, sizeof copy, "%.*se%d", (int)(digits_end - text), text, exponent);
  *number = strtod(copy, NULL);
  *rest = c;
  return isfinite(*number) ? true : fails(why, "too large");
}

bool parse_ratio(const char *text, double *ratio, const char **why) {
  const char *rest;
  if (!read_double(text, "%", ratio, &rest, why) || *rest) return fails(why, "not a ratio; write 0.7 or 70%");
  return true;
}

bool parse_rate_rps(const char *text, double *rps, const char **why) {
  static const char wrong[] = "not a rate; write 40/s, 12/m, 3/h or 1.5k/s";
  const char *rest;
  if (!read_double(text, "kMG", rps, &rest, why)) return fails(why, wrong);
  if (!*rest) return fails(why, "the unit is missing; write 40/s, 12/m or 3/h");
  if (!strcmp(rest, "/s")) return true;
  if (!strcmp(rest, "/m"))
    *rps /= 60;
  else if (!strcmp(rest, "/h"))
    *rps /= 3600;
  else if (!strcmp(rest, "/d"))
    *rps /= 86400;
  else
    return fails(why, wrong);
  return true;
}

bool parse_number(const char *text, double *number, const char **why) {
  const char *rest;
  if (!read_double(text, "kMG", number, &rest, why)) return false;
  return *rest ? fails(why, "not a number; something stands behind it") : true;
}

bool parse_integer(const char *text, int64_t *integer, const char **why) {
  Decimal d;
  const char *c = text;
  if (!read_decimal(&c, true, &d, why)) return fails(why, "not a whole number");
  if (*c) return fails(why, "not a whole number; something stands behind it");
  if (!scale(&d, 1, 1, ROUND_EXACT, integer, why))
    return fails(why, strcmp(*why, "too large") ? "not a whole number" : "too large");
  return true;
}

/* ---- money ---- */

static bool parse_money(const char *text, const char *behind, int64_t *nano_usd, const char **why, const char *wrong) {
  Decimal d;
  const char *c = text;
  if (*c++ != '$' || *c == '-' || *c == '+') return fails(why, wrong);
  if (!read_decimal(&c, false, &d, why) || strcmp(c, behind) != 0) return fails(why, wrong);
  return scale(&d, 1000000000, 1, ROUND_EXACT, nano_usd, why);
}

bool parse_usd_per_h(const char *text, int64_t *nano_usd_per_h, const char **why) {
  return parse_money(text, "/h", nano_usd_per_h, why, "not a price; write $0.526/h");
}

bool parse_usd(const char *text, int64_t *nano_usd, const char **why) {
  return parse_money(text, "", nano_usd, why, "not an amount; write $100");
}

/* ---- writing ---- */

size_t format_duration(char *buffer, int64_t ns) {
  char *to = buffer;
  uint64_t rest = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
  if (ns < 0) *to++ = '-';
  static const TimeUnit large[] = {{"d", 86400000000000}, {"h", 3600000000000}, {"m", 60000000000}};
  if (rest == 0) return (size_t)snprintf(buffer, 48, "0s");
  if (rest >= 60000000000) {
    for (size_t k = 0; k < 3; k++) {
      uint64_t n = rest / (uint64_t)large[k].ns;
      if (n) to += snprintf(to, 24, "%llu%s", (unsigned long long)n, large[k].name);
      rest %= (uint64_t)large[k].ns;
    }
    if (!rest) return (size_t)(to - buffer);
  }
  const TimeUnit unit = rest >= 1000000000 ? (TimeUnit){"s", 1000000000}
                        : rest >= 1000000  ? (TimeUnit){"ms", 1000000}
                        : rest >= 1000     ? (TimeUnit){"us", 1000}
                                           : (TimeUnit){"ns", 1};
  to += snprintf(to, 24, "%llu", (unsigned long long)(rest / (uint64_t)unit.ns));
  uint64_t fraction = rest % (uint64_t)unit.ns;
  if (fraction) {
    char digits[24];
    int width = unit.ns == 1000000000 ? 9 : unit.ns == 1000000 ? 6 : 3;
    snprintf(digits, sizeof digits, "%0*llu", width, (unsigned long long)fraction);
    while (digits[width - 1] == '0') digits[--width] = 0;
    to += snprintf(to, 24, ".%s", digits);
  }
  to += snprintf(to, 8, "%s", unit.name);
  return (size_t)(to - buffer);
}

size_t format_bytes(char *buffer, int64_t bytes) {
  for (size_t k = sizeof suffixes / sizeof *suffixes; k-- > 10;)
    if (bytes && bytes % ((int64_t)1 << suffixes[k].two) == 0)
      return (size_t)snprintf(buffer, 48, "%lld%s", (long long)(bytes >> suffixes[k].two), suffixes[k].name);
  return (size_t)snprintf(buffer, 48, "%lld", (long long)bytes);
}

size_t format_milli(char *buffer, int64_t milli) {
  if (milli % 1000 == 0) return (size_t)snprintf(buffer, 48, "%lld", (long long)(milli / 1000));
  return (size_t)snprintf(buffer, 48, "%lldm", (long long)milli);
}

size_t format_usd_per_h(char *buffer, int64_t nano_usd_per_h) {
  int length = snprintf(buffer, 48, "$%lld.%09lld", (long long)(nano_usd_per_h / 1000000000),
                        (long long)(nano_usd_per_h % 1000000000));
  while (buffer[length - 1] == '0') length--;
  if (buffer[length - 1] == '.') length--;
  return (size_t)length + (size_t)snprintf(buffer + length, 8, "/h");
}
