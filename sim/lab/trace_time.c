/* Instants as integers; see trace_time.h. A double of seconds since 1970 would be off by 100 ns. */
#include "sim/lab/trace_time.h"

#include <stddef.h>

static bool fails(const char **why, const char *text) {
  *why = text;
  return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Exactly n digits. */
static bool digits(const char **text, int n, int64_t *value) {
  *value = 0;
  for (int k = 0; k < n; k++, (*text)++) {
    if (!is_digit(**text)) return false;
    *value = *value * 10 + (**text - '0');
  }
  return true;
}

static bool literal(const char **text, char c) {
  if (**text != c) return false;
  (*text)++;
  return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar.
 * Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2014), days_from_civil. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool valid_day(int64_t year, int64_t month, int64_t day) {
  if (month < 1 || month > 12 || day < 1) return false;
  static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= length[month - 1] + (month == 2 && leap);
}

/* .5 -> 500000000; at most nine digits count, more must be zeros. */
static bool fraction_ns(const char **text, int64_t *ns) {
  *ns = 0;
  if (!literal(text, '.') && !literal(text, ',')) return true;
  if (!is_digit(**text)) return false;
  int64_t unit = 100000000;
  for (; is_digit(**text); (*text)++, unit /= 10) {
    if (unit == 0 && **text != '0') return false;
    *ns += unit * (**text - '0');
  }
  return true;
}

static bool zone_s(const char **text, int64_t *seconds) {
  *seconds = 0;
  if (literal(text, 'Z') || literal(text, 'z') || **text == '\0') return true;
  int64_t hours, minutes, sign = **text == '-' ? -1 : 1;
  if (**text != '+' && **text != '-') return false;
  (*text)++;
  if (!digits(text, 2, &hours)) return false;
  literal(text, ':');
  if (!digits(text, 2, &minutes)) return false;
  *seconds = sign * (hours * 3600 + minutes * 60);
  return hours <= 23 && minutes <= 59;
}

bool parse_date_ns(const char *text, int64_t *ns, const char **why) {
  static const char form[] = "not an instant; write 2023-11-16 18:17:03.97996 (up to nine decimals)";
  int64_t year, month, day, hour, minute, second, fraction, zone;
  if (!digits(&text, 4, &year) || !literal(&text, '-') || !digits(&text, 2, &month) || !literal(&text, '-') || !digits(&text, 2, &day))
    return fails(why, form);
  if (!literal(&text, ' ') && !literal(&text, 'T') && !literal(&text, 't')) return fails(why, form);
  if (!digits(&text, 2, &hour) || !literal(&text, ':') || !digits(&text, 2, &minute) || !literal(&text, ':') || !digits(&text, 2, &second))
    return fails(why, form);
  if (!fraction_ns(&text, &fraction) || !zone_s(&text, &zone) || *text) return fails(why, form);
  if (!valid_day(year, month, day)) return fails(why, "there is no such day");
  if (hour > 23 || minute > 59 || second > 60) return fails(why, "there is no such time of day");
  __int128 all = (__int128)days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone;
  all = all * 1000000000 + fraction;
  if (all < INT64_MIN || all > INT64_MAX) return fails(why, "before 1677 or after 2262");
  *ns = (int64_t)all;
  return true;
}

bool parse_instant_ns(const char *text, int64_t unit_ns, int64_t *ns, const char **why) {
  bool negative = literal(&text, '-');
  __int128 whole = 0;
  int64_t scale = unit_ns;
  if (!is_digit(*text)) return fails(why, "not a number");
  for (; is_digit(*text); text++) {
    whole = whole * 10 + (*text - '0');
    if (whole > INT64_MAX) return fails(why, "too large");
  }
  whole *= unit_ns;
  if (literal(&text, '.')) {
    int rest = 0; /* of the first digit below a ns, for rounding */
    for (; is_digit(*text); text++) {
      if (scale >= 10) whole += (scale /= 10) * (*text - '0');
      else if (scale == 1) rest = *text - '0', scale = 0;
    }
    whole += rest >= 5;
  }
  if (*text) return fails(why, "not a number");
  if (whole > INT64_MAX) return fails(why, "too large");
  *ns = negative ? -(int64_t)whole : (int64_t)whole;
  return true;
}
