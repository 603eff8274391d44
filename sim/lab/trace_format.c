/* The table of published trace formats; see trace_format.h. Those without `sample:` in their source were written from the published list
 * of columns. */
#include "sim/lab/trace_format.h"

#include <string.h>

#include "sim/core/time.h"

#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS (3600 * NS_PER_S)

static bool is_number(const Csv *csv, size_t column, const char *behind) {
  char text[CSV_FIELD_BYTES];
  if (column >= csv->n_fields || !csv_text(csv, csv->field[column], text)) return false;
  size_t n = strspn(text, "0123456789.-+eE");
  return n > 0 && strcmp(text + n, behind) == 0;
}

/* "0.5,230634.0;" */
static bool is_limbo(const Csv *csv) { return !csv->has_header && csv->n_fields == 2 && is_number(csv, 0, "") && is_number(csv, 1, ";"); }

static bool is_one_of(const char *name, const char *const *names) {
  for (size_t k = 0; names[k]; k++)
    if (strcasecmp(names[k], name) == 0) return true;
  return false;
}

static bool is_counts(const Csv *csv) {
  static const char *const times[] = {"period", "timestamp", "time", "minute", "date", "datetime", NULL};
  static const char *const counts[] = {"count", "counts", "requests", "invocations", "tweets", NULL};
  return csv->has_header && csv->n_header == 2 && is_one_of(csv->header[0], times) && is_one_of(csv->header[1], counts);
}

/* "600,0.3,5.37,Gamma,0.0345,81.9", the last three empty while the client is idle. */
static bool is_servegen(const Csv *csv) {
  static const char *const families[] = {"Gamma", "Weibull", "Exponential", "Expon", "", NULL};
  char family[CSV_FIELD_BYTES];
  if (csv->has_header || csv->n_fields != 6 || !is_number(csv, 0, "") || !is_number(csv, 1, "")) return false;
  csv_text(csv, csv->field[3], family);
  for (size_t k = 0; families[k]; k++)
    if (text_equal(families[k], family)) return true;
  return false;
}

const TraceFormat trace_formats[] = {
    {.name = "headroom",
     .summary = "requests as `headroom generate` writes them",
     .source = "sim/app/cmd_generate.c",
     .shape = SHAPE_REQUESTS,
     .needs = {"arrival_ns"},
     .unit_ns = 1,
     .column = {.time = "arrival_ns", .input = "input", .output = "output"}},
    {.name = "azure-llm",
     .summary = "requests of the Azure LLM inference traces of 2023 and 2024",
     .source = "Azure/AzurePublicDataset, AzureLLMInferenceDataset2023.md and 2024.md",
     .shape = SHAPE_REQUESTS,
     .needs = {"TIMESTAMP", "ContextTokens", "GeneratedTokens"},
     .unit_ns = NS_PER_S,
     .column = {.time = "TIMESTAMP", .input = "ContextTokens", .output = "GeneratedTokens"}},
    {.name = "burstgpt",
     .summary = "requests of BurstGPT, with or without session and elapsed time",
     .source = "HPMLL/BurstGPT, README.md: Timestamp in seconds",
     .shape = SHAPE_REQUESTS,
     .needs = {"Timestamp", "Model", "Request tokens", "Response tokens", "Log Type"},
     .unit_ns = NS_PER_S,
     .column = {.time = "Timestamp", .input = "Request tokens", .output = "Response tokens"}},
    {.name = "qwen-bailian",
     .summary = "requests of the Qwen usage traces of Alibaba Bailian (JSON Lines)",
     .source = "alibaba-edu/qwen-bailian-usagetraces-anon, README.md: timestamp in seconds",
     .shape = SHAPE_REQUESTS,
     .needs = {"chat_id", "timestamp", "input_length", "output_length"},
     .unit_ns = NS_PER_S,
     .column = {.time = "timestamp", .input = "input_length", .output = "output_length"}},
    {.name = "mooncake",
     .summary = "requests of Mooncake (JSON Lines)",
     .source = "kvcache-ai/Mooncake, mooncake_trace.jsonl: timestamp in ms",
     .shape = SHAPE_REQUESTS,
     .needs = {"timestamp", "input_length", "output_length", "hash_ids"},
     .unit_ns = 1000000,
     .column = {.time = "timestamp", .input = "input_length", .output = "output_length"}},
    {.name = "azure-functions-2021",
     .summary = "invocations of the Azure Functions trace of 2021, at end less duration",
     .source = "Azure/AzurePublicDataset, AzureFunctionsInvocationTrace2021.md",
     .shape = SHAPE_REQUESTS,
     .needs = {"app", "func", "end_timestamp", "duration"},
     .unit_ns = NS_PER_S,
     .unsorted = true,
     .column = {.time = "end_timestamp", .duration = "duration", .arrives_before = true}},
    {.name = "azure-functions-2019",
     .summary = "invocations per minute of the Azure Functions trace of 2019, all functions together; day K from the name's dK",
     .source = "Azure/AzurePublicDataset, AzureFunctionsDataset2019.md: invocations_per_function_md.anon.d01.csv",
     .shape = SHAPE_FUNCTIONS,
     .needs = {"HashFunction", "Trigger", "1", "1440"},
     .interval_ns = MINUTE_NS},
    {.name = "worldcup98",
     .summary = "requests per minute of the World Cup 1998 site",
     .source = "nimamahmoudi/worldcup98-dataset, invocation_count.csv; sample: traces/worldcup98",
     .shape = SHAPE_COUNTS,
     .needs = {"period", "count"},
     .unit_ns = NS_PER_S,
     .interval_ns = MINUTE_NS,
     .column = {.time = "period", .count = "count"}},
    {.name = "counts",
     .summary = "requests, invocations or tweets per interval: an instant and a count, in two columns with such names",
     .source = "the tables per minute that studies make of the archived Twitter stream have no published list of columns",
     .shape = SHAPE_COUNTS,
     .recognise = is_counts,
     .unit_ns = NS_PER_S},
    {.name = "limbo",
     .summary = "arrivals per hour as LIMBO reads them: hours; arrivals",
     .source = "joakimkistowski/LIMBO, DLIM_examples/trace; sample: traces/limbo",
     .shape = SHAPE_COUNTS,
     .recognise = is_limbo,
     .unit_ns = HOUR_NS,
     .interval_ns = HOUR_NS},
    {.name = "servegen",
     .summary = "clients of ServeGen (chunk-K-trace.csv, one or a tar of them): rate and variation in windows of 600 s",
     .source = "alibaba/ServeGen, data/; sample: traces/servegen",
     .shape = SHAPE_CLIENTS,
     .recognise = is_servegen,
     .unit_ns = NS_PER_S,
     .interval_ns = 600 * NS_PER_S},
    {.name = "openb",
     .summary = "pods of Alibaba's GPU cluster trace of 2023",
     .source = "alibaba/clusterdata, cluster-trace-gpu-v2023; sample: traces/openb",
     .shape = SHAPE_JOBS,
     .needs = {"creation_time", "deletion_time", "scheduled_time", "num_gpu", "gpu_milli"},
     .unit_ns = NS_PER_S,
     .column = {.time = "creation_time", .gpus = "num_gpu", .gpu_share = "gpu_milli", .begin = "scheduled_time", .end = "deletion_time"}},
    {.name = "philly",
     .summary = "training jobs of Microsoft's Philly cluster, as a flat table",
     .source = "siasosp23/artifacts, sia-simulator/traces/philly.csv; sample: traces/philly",
     .shape = SHAPE_JOBS,
     .needs = {"timestamp", "duration", "num_gpus", "gpu_time"},
     .unit_ns = NS_PER_S,
     .unsorted = true,
     .column = {.time = "timestamp", .gpus = "num_gpus", .duration = "duration"}},
    {.name = "pollux",
     .summary = "training jobs of the workloads of Pollux",
     .source = "petuum/adaptdl @ osdi21-artifact, benchmark/workloads; sample: traces/pollux",
     .shape = SHAPE_JOBS,
     .needs = {"time", "application", "num_replicas", "batch_size"},
     .unit_ns = NS_PER_S,
     .column = {.time = "time", .gpus = "num_replicas"}},
    {.name = "vidur",
     .summary = "sizes of requests as Vidur keeps them; no instants",
     .source = "microsoft/vidur, data/processed_traces; sample: traces/vidur",
     .shape = SHAPE_SIZES,
     .needs = {"num_prefill_tokens", "num_decode_tokens"},
     .column = {.input = "num_prefill_tokens", .output = "num_decode_tokens"}},
};
const size_t trace_format_count = sizeof trace_formats / sizeof trace_formats[0];

const TraceFormat trace_format_generic = {
    .name = "generic", .summary = "columns named by the trace's options", .source = "", .shape = SHAPE_REQUESTS, .unit_ns = NS_PER_S};

static bool fits(const TraceFormat *format, const Csv *csv) {
  if (format->recognise) return format->recognise(csv);
  for (size_t k = 0; k < FORMAT_NEEDS && format->needs[k]; k++)
    if (csv_column(csv, format->needs[k]) == csv->n_header) return false;
  return csv->has_header;
}

const TraceFormat *trace_format_of(const Csv *csv) {
  for (size_t k = 0; k < trace_format_count; k++)
    if (fits(&trace_formats[k], csv)) return &trace_formats[k];
  return NULL;
}

const TraceFormat *trace_format_named(const char *name) {
  if (text_equal(name, trace_format_generic.name)) return &trace_format_generic;
  for (size_t k = 0; k < trace_format_count; k++)
    if (text_equal(name, trace_formats[k].name)) return &trace_formats[k];
  return NULL;
}

const char *trace_shape_words(TraceShape shape) {
  switch (shape) {
  case SHAPE_REQUESTS: return "a row a request";
  case SHAPE_JOBS: return "a row a training job";
  case SHAPE_COUNTS: return "a row an interval";
  case SHAPE_SIZES: return "a row a request, without instants";
  case SHAPE_FUNCTIONS: return "a row a function, a column a minute";
  case SHAPE_CLIENTS: return "a file a client, a row an interval";
  }
  return "";
}

void trace_formats_page(Text *out) {
  for (size_t k = 0; k < trace_format_count; k++) {
    const TraceFormat *format = &trace_formats[k];
    text_addf(out, "  %-20s  %s\n%24s%s%s; told by ", format->name, format->summary, "", trace_shape_words(format->shape),
              format->unsorted ? ", unsorted as published" : "");
    for (size_t n = 0; n < FORMAT_NEEDS && format->needs[n]; n++) text_addf(out, "%s%s", n ? ", " : "the columns ", format->needs[n]);
    text_addf(out, "%s\n%24s[%s]\n", format->recognise ? "its first record" : "", "", format->source);
  }
}
