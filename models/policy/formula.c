/* Formulas; see formula.h. Recursive descent that evaluates as it reads, both sides of every branch, so that a formula that can be read
 * once can always be read. x ^ y uses our own exp and log but for whole powers, which are multiplied out. */
#include "models/policy/formula.h"

#include <string.h>

#include "sim/core/maths.h"

enum { FORMULA_DEPTH = 64, LIST_MOST = 32 };

typedef struct Value {
  double number;
  bool truth; /* true or false rather than a number */
} Value;

typedef struct Reader {
  const char *text, *at;
  const FormulaName *name;
  size_t n_names;
  const double *element; /* what # is, inside a predicate */
  int depth;
  FormulaFault *fault;
  bool failed;
} Reader;

static Value expression(Reader *reader);

static Value fails(Reader *reader, const char *at, const char *why) {
  if (!reader->failed) *reader->fault = (FormulaFault){(size_t)(at - reader->text) + 1, why};
  reader->failed = true;
  reader->at = reader->text + strlen(reader->text); /* nothing more to read */
  return (Value){0, false};
}

static Value number(double x) { return (Value){x, false}; }
static Value truth(bool x) { return (Value){x, true}; }

/* ---- words and signs ---- */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *next(Reader *reader) {
  while (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r') reader->at++;
  return reader->at;
}

static size_t word_length(const char *at) {
  size_t n = 0;
  if (is_letter(at[0]))
    while (is_letter(at[n]) || is_digit(at[n])) n++;
  return n;
}

static bool take_word(Reader *reader, const char *word) {
  const char *at = next(reader);
  size_t n = word_length(at);
  if (n != strlen(word) || strncmp(at, word, n) != 0) return false;
  reader->at = at + n;
  return true;
}

static bool take(Reader *reader, const char *sign) {
  const char *at = next(reader);
  size_t n = strlen(sign);
  if (strncmp(at, sign, n) != 0) return false;
  reader->at = at + n;
  return true;
}

static double read_digits(Reader *reader, double x, double *scale) {
  for (; is_digit(*reader->at) || (*reader->at == '_' && is_digit(reader->at[1])); reader->at++) {
    if (*reader->at == '_') continue;
    x = x * 10 + (*reader->at - '0');
    *scale *= 10;
  }
  return x;
}

static double power_of_ten(double x, int exponent) {
  for (; exponent > 0 && exponent <= 400; exponent--) x *= 10;
  for (; exponent < 0 && exponent >= -400; exponent++) x /= 10;
  return x;
}

static Value read_number(Reader *reader) {
  double ignored = 1, scale = 1;
  double x = read_digits(reader, 0, &ignored);
  if (*reader->at == '.' && is_digit(reader->at[1])) {
    reader->at++;
    x = read_digits(reader, x, &scale);
  }
  x /= scale;
  bool negative = (reader->at[0] == 'e' || reader->at[0] == 'E') && reader->at[1] == '-';
  bool sign = negative || ((reader->at[0] == 'e' || reader->at[0] == 'E') && reader->at[1] == '+');
  if ((*reader->at == 'e' || *reader->at == 'E') && is_digit(reader->at[sign ? 2 : 1])) {
    reader->at += sign ? 2 : 1;
    double digits = read_digits(reader, 0, &ignored);
    int exponent = digits < 400 ? (int)digits : 400;
    x = power_of_ten(x, negative ? -exponent : exponent);
  }
  if (is_letter(*reader->at)) return fails(reader, reader->at, "a letter follows a number");
  return number(x);
}

/* ---- arithmetic ---- */

static double whole_part(double x) { return x > -9007199254740992.0 && x < 9007199254740992.0 ? (double)(long long)x : x; }
static double floor_of(double x) { return whole_part(x) > x ? whole_part(x) - 1 : whole_part(x); }
static double ceil_of(double x) { return whole_part(x) < x ? whole_part(x) + 1 : whole_part(x); }
static double round_of(double x) { /* halves away from zero */
  double rest = x - whole_part(x);
  return rest >= 0.5 ? whole_part(x) + 1 : rest <= -0.5 ? whole_part(x) - 1 : whole_part(x);
}

static double power(double x, double y) {
  if (x - x != 0 || y - y != 0) return __builtin_nan("");
  if (y == whole_part(y) && y >= -1024 && y <= 1024) {
    double product = 1;
    for (long k = (long)(y < 0 ? -y : y); k > 0; k--) product *= x;
    return y < 0 ? 1 / product : product;
  }
  return x >= 0 ? maths_pow(x, y) : __builtin_nan("");
}

static Value arithmetic(Reader *reader, const char *at, char sign, Value a, Value b) {
  if (a.truth || b.truth) return fails(reader, at, "arithmetic needs numbers, not true or false");
  switch (sign) {
  case '+': return number(a.number + b.number);
  case '-': return number(a.number - b.number);
  case '*': return number(a.number * b.number);
  case '/': return number(a.number / b.number);
  case '%': return number(__builtin_fmod(a.number, b.number));
  default: return number(power(a.number, b.number));
  }
}

/* ---- functions ---- */

typedef enum Function { MIN_OF, MAX_OF, SUM_OF, MEAN_OF, MEDIAN_OF, ABS_OF, CEIL_OF, FLOOR_OF, ROUND_OF, INT_OF, FLOAT_OF, COUNT_OF, ANY_OF, ALL_OF, NONE_OF, FUNCTIONS } Function;
static const char *const functions[FUNCTIONS] = {"min", "max", "sum", "mean", "median", "abs", "ceil", "floor", "round", "int", "float",
                                                 "count", "any", "all", "none"};

static double median_of(double *x, int n) {
  for (int k = 1; k < n; k++)
    for (int j = k; j > 0 && x[j - 1] > x[j]; j--) {
      double swapped = x[j];
      x[j] = x[j - 1];
      x[j - 1] = swapped;
    }
  return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static Value of_list(Function function, double *x, int n) {
  double sum = x[0], least = x[0], most = x[0];
  for (int k = 1; k < n; k++) {
    sum += x[k];
    least = x[k] < least ? x[k] : least;
    most = x[k] > most ? x[k] : most;
  }
  switch (function) {
  case MIN_OF: return number(least);
  case MAX_OF: return number(most);
  case SUM_OF: return number(sum);
  case MEAN_OF: return number(sum / n);
  default: return number(median_of(x, n));
  }
}

static Value of_one(Function function, double x) {
  switch (function) {
  case ABS_OF: return number(x < 0 ? -x : x);
  case CEIL_OF: return number(ceil_of(x));
  case FLOOR_OF: return number(floor_of(x));
  case ROUND_OF: return number(round_of(x));
  case INT_OF: return number(whole_part(x));
  default: return number(x);
  }
}

/* The predicate is read once for each element, from the same place. */
static Value with_predicate(Reader *reader, Function function, const double *x, int n) {
  const char *begin = reader->at;
  if (reader->element) return fails(reader, begin, "predicates do not nest");
  double sum = 0;
  int hits = 0;
  for (int k = 0; k < n && !reader->failed; k++) {
    reader->at = begin;
    reader->element = &x[k];
    Value is = expression(reader);
    if (is.truth == (function == SUM_OF)) return fails(reader, begin, function == SUM_OF ? "sum needs a number here" : "the predicate is not true or false");
    sum += is.number;
    hits += is.number != 0;
  }
  reader->element = NULL;
  if (!take(reader, "}")) return fails(reader, next(reader), "} is missing");
  switch (function) {
  case COUNT_OF: return number(hits);
  case ANY_OF: return truth(hits > 0);
  case ALL_OF: return truth(hits == n);
  case NONE_OF: return truth(hits == 0);
  default: return number(sum);
  }
}

/* The arguments, lists flattened; *predicate when the last one is {...}, which is not read yet. */
static int read_arguments(Reader *reader, double x[LIST_MOST], bool *predicate) {
  int n = 0;
  bool in_list = false;
  do {
    if (take(reader, "{")) {
      *predicate = true;
      return n;
    }
    if (!in_list && take(reader, "[")) in_list = true;
    const char *at = next(reader);
    Value value = expression(reader);
    if (value.truth) fails(reader, at, "a number is needed, not true or false");
    if (n == LIST_MOST) fails(reader, at, "more than 32 arguments");
    if (reader->failed) return 0;
    x[n++] = value.number;
    if (in_list && take(reader, "]")) in_list = false;
  } while (take(reader, ","));
  if (in_list) fails(reader, next(reader), "] is missing");
  return n;
}

static Value call(Reader *reader, const char *at, Function function) {
  double x[LIST_MOST] = {0};
  bool predicate = false;
  int n = read_arguments(reader, x, &predicate);
  if (reader->failed) return number(0);
  bool takes_predicate = function >= COUNT_OF || (function == SUM_OF && predicate);
  if (n == 0 || predicate != takes_predicate)
    return fails(reader, at, takes_predicate ? "this function needs a list and a predicate: count([a, b], {# > 1})" : "this function needs numbers");
  Value value;
  if (takes_predicate) value = with_predicate(reader, function, x, n);
  else if (function < ABS_OF) value = of_list(function, x, n);
  else if (n == 1) value = of_one(function, x[0]);
  else return fails(reader, at, "this function takes one number");
  if (!reader->failed && !take(reader, ")")) return fails(reader, next(reader), ") is missing");
  return value;
}

static Value named(Reader *reader) {
  const char *at = reader->at;
  size_t n = word_length(at);
  reader->at += n;
  if (take(reader, "(")) {
    for (int f = 0; f < FUNCTIONS; f++)
      if (strlen(functions[f]) == n && strncmp(functions[f], at, n) == 0) return call(reader, at, (Function)f);
    return fails(reader, at, "no such function (min max sum mean median abs ceil floor round int float count any all none)");
  }
  if (n == 4 && strncmp(at, "true", n) == 0) return truth(true);
  if (n == 5 && strncmp(at, "false", n) == 0) return truth(false);
  for (size_t k = 0; k < reader->n_names; k++)
    if (strlen(reader->name[k].name) == n && strncmp(reader->name[k].name, at, n) == 0) return number(reader->name[k].value);
  return fails(reader, at, "no trigger has this name");
}

/* ---- operators, tightest first ---- */

static Value unary(Reader *reader);

static Value primary(Reader *reader) {
  const char *at = next(reader);
  if (is_digit(*at) || (*at == '.' && is_digit(at[1]))) return read_number(reader);
  if (is_letter(*at)) return named(reader);
  if (*at == '#') {
    reader->at++;
    return reader->element ? number(*reader->element) : fails(reader, at, "# is an element, inside {...} only");
  }
  if (!take(reader, "(")) return fails(reader, at, *at ? "a number, a name or ( is needed here" : "the formula ends too early");
  Value value = expression(reader);
  if (!reader->failed && !take(reader, ")")) return fails(reader, next(reader), ") is missing");
  return value;
}

/* To the right, and tighter than a sign: -2 ^ 2 is -4, 2 ^ -1 is a half. */
static Value powers(Reader *reader) {
  Value value = primary(reader);
  const char *at = next(reader);
  if (!take(reader, "^") && !take(reader, "**")) return value;
  if (++reader->depth > FORMULA_DEPTH) return fails(reader, at, "nested too deeply");
  Value exponent = unary(reader);
  reader->depth--;
  return arithmetic(reader, at, '^', value, exponent);
}

static Value unary(Reader *reader) {
  const char *at = next(reader);
  if (*at != '-' && *at != '+') return powers(reader);
  if (++reader->depth > FORMULA_DEPTH) return fails(reader, at, "nested too deeply");
  reader->at++;
  Value value = unary(reader);
  reader->depth--;
  return arithmetic(reader, at, *at, number(0), value);
}

static Value product(Reader *reader) {
  Value value = unary(reader);
  for (const char *at = next(reader); *at == '*' || *at == '/' || *at == '%'; at = next(reader)) {
    reader->at++;
    value = arithmetic(reader, at, *at, value, unary(reader));
  }
  return value;
}

static Value negation(Reader *reader) {
  const char *at = next(reader);
  if (!take_word(reader, "not") && !(at[0] == '!' && at[1] != '=' && take(reader, "!"))) return product(reader);
  if (++reader->depth > FORMULA_DEPTH) return fails(reader, at, "nested too deeply");
  Value value = negation(reader);
  reader->depth--;
  return value.truth || reader->failed ? truth(value.number == 0) : fails(reader, at, "not needs true or false");
}

static Value total(Reader *reader) {
  Value value = negation(reader);
  for (const char *at = next(reader); *at == '+' || *at == '-'; at = next(reader)) {
    reader->at++;
    value = arithmetic(reader, at, *at, value, negation(reader));
  }
  return value;
}

static Value comparison(Reader *reader) {
  static const char *const signs[] = {"==", "!=", "<=", ">=", "<", ">"};
  Value a = total(reader);
  for (;;) {
    const char *at = next(reader);
    size_t k = 0;
    while (k < 6 && !take(reader, signs[k])) k++;
    if (k == 6) return a;
    Value b = total(reader);
    if (a.truth != b.truth || (a.truth && k > 1)) return fails(reader, at, "numbers are compared with numbers");
    double x = a.number, y = b.number;
    a = truth(k == 0 ? x == y : k == 1 ? x != y : k == 2 ? x <= y : k == 3 ? x >= y : k == 4 ? x < y : x > y);
  }
}

static Value conjunction(Reader *reader) {
  Value value = comparison(reader);
  for (const char *at = next(reader); take(reader, "&&") || take_word(reader, "and"); at = next(reader)) {
    Value other = comparison(reader);
    if (!value.truth || !other.truth) return fails(reader, at, "and needs true or false on both sides");
    value = truth(value.number != 0 && other.number != 0);
  }
  return value;
}

static Value disjunction(Reader *reader) {
  Value value = conjunction(reader);
  for (const char *at = next(reader); take(reader, "||") || take_word(reader, "or"); at = next(reader)) {
    Value other = conjunction(reader);
    if (!value.truth || !other.truth) return fails(reader, at, "or needs true or false on both sides");
    value = truth(value.number != 0 || other.number != 0);
  }
  return value;
}

static Value expression(Reader *reader) {
  if (++reader->depth > FORMULA_DEPTH) return fails(reader, reader->at, "nested too deeply");
  Value value = disjunction(reader);
  const char *at = next(reader);
  if (take(reader, "?")) {
    if (!value.truth) return fails(reader, at, "? needs true or false before it");
    Value then = expression(reader);
    if (!take(reader, ":")) return fails(reader, next(reader), ": is missing");
    Value otherwise = expression(reader);
    if (then.truth != otherwise.truth) return fails(reader, at, "the two branches are not both numbers");
    value = value.number != 0 ? then : otherwise;
  }
  reader->depth--;
  return value;
}

bool formula_value(const char *text, const FormulaName *name, size_t n_names, double *value, FormulaFault *fault) {
  Reader reader = {.text = text, .at = text, .name = name, .n_names = n_names, .fault = fault};
  Value result = expression(&reader);
  const char *at = next(&reader);
  if (!reader.failed && *at) fails(&reader, at, "an operator is needed here");
  if (!reader.failed && result.truth) fails(&reader, text, "the formula is true or false; it must be a number");
  *value = result.number;
  return !reader.failed;
}
