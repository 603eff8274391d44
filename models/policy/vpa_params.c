/* Tables of the parameters of policy `vpa`; see vpa_params.h. */
#include "models/policy/vpa_params.h"

static const char *const vpa_mode_names[] = {"Off", "Initial", "Recreate", "Auto", "InPlaceOrRecreate", "InPlace", NULL};
static const char *const vpa_scaling_names[] = {"Auto", "Off", NULL};
static const char *const vpa_resource_names[] = {"cpu", "memory", NULL};
static const char *const vpa_change_names[] = {"TargetHigherThanRequests", "TargetLowerThanRequests", NULL};
static const char *const vpa_values_names[] = {"RequestsAndLimits", "RequestsOnly", NULL};

/* An item of a list of names: its only field has no name. */
static const Field resource_fields[] = {
    {.name = "", .kind = FIELD_CHOICE, .need = REQUIRED, .offset = offsetof(VpaResourceName, resource), .choices = vpa_resource_names,
     .help = "cpu or memory", .source = "core/v1 ResourceName"}};
static const Type vpa_resource_type = FIELD_TYPE("vpa_resource", "a resource", VpaResourceName, resource_fields, NULL);

#define ROW_STRUCT VpaAmounts
static const Field amounts_fields[] = {FIELD_ROWS(VPA_AMOUNTS_FIELDS)};
#undef ROW_STRUCT
static const Type vpa_amounts_type = FIELD_TYPE("vpa_amounts", "amounts of resources", VpaAmounts, amounts_fields, NULL);

#define ROW_STRUCT VpaContainerPolicy
static const Field container_policy_fields[] = {FIELD_ROWS(VPA_CONTAINER_POLICY_FIELDS)};
#undef ROW_STRUCT

static bool check_container_policy(const void *value, Err *err) {
  const VpaContainerPolicy *policy = value;
  const VpaAmounts *low = &policy->minAllowed, *high = &policy->maxAllowed;
  if (high->cpu_millicores > 0 && low->cpu_millicores > high->cpu_millicores) return err_at(err, "minAllowed.cpu", "is above maxAllowed");
  if (high->memory_bytes > 0 && low->memory_bytes > high->memory_bytes) return err_at(err, "minAllowed.memory", "is above maxAllowed");
  return true;
}

static const Type vpa_container_policy_type =
    FIELD_TYPE("vpa_container_policy", "limits for one container", VpaContainerPolicy, container_policy_fields, check_container_policy);

#define ROW_STRUCT VpaResourcePolicy
static const Field resource_policy_fields[] = {FIELD_ROWS(VPA_RESOURCE_POLICY_FIELDS)};
#undef ROW_STRUCT
static const Type vpa_resource_policy_type =
    FIELD_TYPE("vpa_resource_policy", "limits to what is recommended", VpaResourcePolicy, resource_policy_fields, NULL);

#define ROW_STRUCT VpaRequirement
static const Field requirement_fields[] = {FIELD_ROWS(VPA_REQUIREMENT_FIELDS)};
#undef ROW_STRUCT
static const Type vpa_requirement_type = FIELD_TYPE("vpa_requirement", "when a replica may be updated", VpaRequirement, requirement_fields, NULL);

#define ROW_STRUCT VpaUpdatePolicy
static const Field update_policy_fields[] = {FIELD_ROWS(VPA_UPDATE_POLICY_FIELDS)};
#undef ROW_STRUCT
static const Type vpa_update_policy_type =
    FIELD_TYPE("vpa_update_policy", "how recommendations are applied", VpaUpdatePolicy, update_policy_fields, NULL);

#define ROW_STRUCT VpaTarget
static const Field target_fields[] = {FIELD_ROWS(VPA_TARGET_FIELDS)};
#undef ROW_STRUCT
static const Type vpa_target_type = FIELD_TYPE("vpa_target", "what a manifest says it scales", VpaTarget, target_fields, NULL);

#define ROW_STRUCT VpaRecommenderName
static const Field recommender_name_fields[] = {FIELD_ROWS(VPA_RECOMMENDER_NAME_FIELDS)};
#undef ROW_STRUCT
static const Type vpa_recommender_name_type =
    FIELD_TYPE("vpa_recommender_name", "a recommender by name", VpaRecommenderName, recommender_name_fields, NULL);

#define FLAG_ROW(kind_, name_, key, dflt, lo, hi, help_)                                                               \
  {.name = key, .kind = FIELD_K_##kind_, .need = OPTIONAL, .offset = offsetof(ROW_STRUCT, FIELD_M_##kind_(name_)),      \
   .default_text = dflt, .min = lo, .max = hi, .help = help_, .source = "--" key " " dflt},

#define ROW_STRUCT VpaRecommenderFlags
static const Field recommender_flags_fields[] = {VPA_RECOMMENDER_FLAGS(FLAG_ROW)};
#undef ROW_STRUCT
static const Type vpa_recommender_flags_type =
    FIELD_TYPE("vpa_recommender_flags", "flags of the recommender", VpaRecommenderFlags, recommender_flags_fields, NULL);

#define ROW_STRUCT VpaUpdaterFlags
static const Field updater_flags_fields[] = {VPA_UPDATER_FLAGS(FLAG_ROW)};
#undef ROW_STRUCT
static const Type vpa_updater_flags_type = FIELD_TYPE("vpa_updater_flags", "flags of the updater", VpaUpdaterFlags, updater_flags_fields, NULL);

#define ROW_STRUCT Vpa
static const Field vpa_fields[] = {FIELD_ROWS(VPA_FIELDS)};
#undef ROW_STRUCT
const Type vpa_type = FIELD_TYPE("vpa", "a VerticalPodAutoscaler's spec, and its programs' flags", Vpa, vpa_fields, NULL);
