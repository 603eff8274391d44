/* Which kinds of objects are read, which are known to have no effect here, and which are neither. */
#include <string.h>

#include "sim/lab/manifest_parts.h"

const ManifestKind manifest_kinds[] = {
    {"autoscaling", "v2 v2beta2", "HorizontalPodAutoscaler", hpa_fields, convert_hpa, "hpa", true, false},
    {"autoscaling", "v1", "HorizontalPodAutoscaler", hpa_v1_fields, convert_hpa_v1, "hpa", true, false},
    {"keda.sh", "v1alpha1", "ScaledObject", scaled_object_fields, convert_scaled_object, "keda", true, false},
    {"keda.sh", "v1alpha1", "ScaledJob", scaled_job_fields, convert_scaled_job, "keda-job", true, false},
    {"autoscaling.k8s.io", "v1 v1beta2", "VerticalPodAutoscaler", vpa_fields, convert_vpa, "vpa", true, false},
    {"serving.knative.dev", "v1", "Service", knative_fields, convert_knative, NULL, true, false},
    {"serving.kserve.io", "v1beta1", "InferenceService", inference_service_fields, convert_inference_service, NULL, true, false},
    {"ray.io", "v1 v1alpha1", "RayService", ray_service_fields, convert_ray_service, NULL, true, false},
    {"karpenter.sh", "v1 v1beta1", "NodePool", node_pool_fields, convert_node_pool, NULL, false, true},
    {"apps", "v1", "Deployment", deployment_fields, convert_workload, NULL, false, false},
    {"apps", "v1", "StatefulSet", stateful_set_fields, convert_workload, NULL, false, false},
    {"apps", "v1", "ReplicaSet", deployment_fields, convert_workload, NULL, false, false},
    {"", "v1", "ConfigMap", config_map_fields, convert_config_map, NULL, false, false},
    {NULL, NULL, NULL, NULL, NULL, NULL, false, false}};

/* A Serve config has neither apiVersion nor kind. */
static const ManifestKind ray_config = {"", "", "Ray Serve config", ray_fields, convert_ray, NULL, true, false};

/* "apps/v1" is group apps, version v1; "v1" is the core group's. */
static bool api_is(const char *api, const char *group, const char *versions) {
  const char *slash = strchr(api, '/'), *version = slash ? slash + 1 : api;
  size_t length = slash ? (size_t)(slash - api) : 0, n = strlen(version);
  if (strlen(group) != length || strncmp(api, group, length) != 0) return false;
  for (const char *at = versions; at && *at; at += strcspn(at, " "), at += *at == ' ')
    if (strcspn(at, " ") == n && strncmp(at, version, n) == 0) return true;
  return versions == NULL;
}

const ManifestKind *manifest_kind_of(const Yaml *document) {
  const char *api = scalar_at(document, "apiVersion"), *kind = scalar_at(document, "kind");
  if (!api && !kind && value_at(document, "applications")) return &ray_config;
  if (!api || !kind) return NULL;
  for (const ManifestKind *k = manifest_kinds; k->kind; k++)
    if (text_equal(k->kind, kind) && api_is(api, k->group, k->versions)) return k;
  return NULL;
}

const char *manifest_name_of(const Yaml *document) { return scalar_at(document, "metadata.name"); }

/* ---- kinds of no effect ---- */

typedef struct IdleKind {
  const char *group; /* all its versions */
  const char *kinds; /* " A B " */
  const char *why;
} IdleKind;

static const IdleKind idle_kinds[] = {
    {"", " Namespace ", "there are no namespaces"},
    {"", " Service Endpoints ", "the scenario's `dispatch` chooses replicas"},
    {"", " Secret ", "what a container reads is the service law's"},
    {"", " ServiceAccount ", "rights are not simulated"},
    {"", " PersistentVolume PersistentVolumeClaim ", "disks are not simulated"},
    {"discovery.k8s.io", " EndpointSlice ", "the scenario's `dispatch` chooses replicas"},
    {"rbac.authorization.k8s.io", " Role RoleBinding ClusterRole ClusterRoleBinding ", "rights are not simulated"},
    {"networking.k8s.io", " Ingress IngressClass NetworkPolicy ", "the network is not simulated"},
    {"gateway.networking.k8s.io", " Gateway GatewayClass HTTPRoute GRPCRoute ReferenceGrant ", "the network is not simulated"},
    {"networking.istio.io", " VirtualService DestinationRule Gateway ServiceEntry Sidecar EnvoyFilter ", "the network is not simulated"},
    {"security.istio.io", " PeerAuthentication AuthorizationPolicy RequestAuthentication ", "rights are not simulated"},
    {"traefik.io", " IngressRoute Middleware ", "the network is not simulated"},
    {"cert-manager.io", " Certificate Issuer ClusterIssuer ", "the network is not simulated"},
    {"storage.k8s.io", " StorageClass ", "disks are not simulated"},
    {"scheduling.k8s.io", " PriorityClass ", "all replicas are equal"},
    {"node.k8s.io", " RuntimeClass ", "what runs in a container is the service law's"},
    {"monitoring.coreos.com", " ServiceMonitor PodMonitor PrometheusRule Probe ", "the scenario's `metrics` says what is measured, and how often"},
    {"keda.sh", " TriggerAuthentication ClusterTriggerAuthentication ", "the scenario's `metrics` says what is measured"},
    {"karpenter.k8s.aws", " EC2NodeClass ", "images, networks and disks of nodes are not simulated"},
    {"karpenter.azure.com", " AKSNodeClass ", "images, networks and disks of nodes are not simulated"},
    {"serving.kserve.io", " ServingRuntime ClusterServingRuntime ClusterStorageContainer ", "what a model does is the service law's"},
    {"external-secrets.io", " ExternalSecret SecretStore ClusterSecretStore ", "what a container reads is the service law's"},
    {"apiextensions.k8s.io", " CustomResourceDefinition ", "it only declares a kind"},
};

static bool word_in(const char *words, const char *word) {
  size_t n = strlen(word);
  for (const char *at = words; n && (at = strstr(at, word)); at += n)
    if (at > words && at[-1] == ' ' && at[n] == ' ') return true;
  return false;
}

const char *manifest_idle_kind(const char *api, const char *kind) {
  for (size_t k = 0; k < sizeof idle_kinds / sizeof *idle_kinds; k++)
    if (api_is(api, idle_kinds[k].group, NULL) && word_in(idle_kinds[k].kinds, kind)) return idle_kinds[k].why;
  return NULL;
}
