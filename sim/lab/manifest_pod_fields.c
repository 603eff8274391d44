/* What becomes of the fields of pods and of the objects that make them. Source: k8s.io/api core/v1 and apps/v1, Kubernetes 1.33. */
#include "sim/lab/manifest_parts.h"

#define NAMES "names and labels choose objects; the scenario's names do that here"
#define IMAGE "what runs in a container is the service law's"
#define POOL "the scenario's `pool` says where replicas run"
#define DISK "disks are not simulated"
#define RIGHTS "rights are not simulated"
#define NETWORK "the network is not simulated"
#define ROLLOUT "nothing is rolled out during a run"
#define RESTART "replicas fail when `faults` says so"

const FieldFate metadata_fields[] = {
    USED("name"), IDLE("generateName", NAMES), IDLE("namespace", NAMES), IDLE("labels", NAMES), IDLE("annotations", "none of them is read here"),
    IDLE("creationTimestamp", "written by the server"), IDLE("deletionTimestamp", "written by the server"), IDLE("resourceVersion", "written by the server"),
    IDLE("uid", "written by the server"), IDLE("generation", "written by the server"), IDLE("managedFields", "written by the server"),
    IDLE("selfLink", "written by the server"), IDLE("ownerReferences", "objects are not deleted"), IDLE("finalizers", "objects are not deleted"), END_OF_FIELDS};
/* Where annotations are read: the converter's table judges them. */
const FieldFate metadata_annotated_fields[] = {
    USED("name"), IDLE("generateName", NAMES), IDLE("namespace", NAMES), IDLE("labels", NAMES), USED("annotations"),
    IDLE("creationTimestamp", "written by the server"), IDLE("deletionTimestamp", "written by the server"), IDLE("resourceVersion", "written by the server"),
    IDLE("uid", "written by the server"), IDLE("generation", "written by the server"), IDLE("managedFields", "written by the server"),
    IDLE("selfLink", "written by the server"), IDLE("ownerReferences", "objects are not deleted"), IDLE("finalizers", "objects are not deleted"), END_OF_FIELDS};

/* ---- containers ---- */

static const FieldFate probe_fields[] = {
    USED("initialDelaySeconds"), USED("periodSeconds"), USED("successThreshold"),
    IDLE("failureThreshold", RESTART), IDLE("timeoutSeconds", "a probe is answered at once"), IDLE("terminationGracePeriodSeconds", RESTART),
    IDLE("httpGet", "how it is asked does not matter"), IDLE("tcpSocket", "how it is asked does not matter"), IDLE("exec", "how it is asked does not matter"),
    IDLE("grpc", "how it is asked does not matter"), END_OF_FIELDS};
static const FieldFate resources_fields[] = {USED("requests"), USED("limits"), REFUSED("claims", "devices by claim; write nvidia.com/gpu"), END_OF_FIELDS};

const FieldFate container_fields[] = {
    USED("name"), BELOW("resources", resources_fields), BELOW("readinessProbe", probe_fields), BELOW("startupProbe", probe_fields), USED("restartPolicy"),
    IDLE("livenessProbe", RESTART), IDLE("image", IMAGE), IDLE("imagePullPolicy", "start-up is the variant's `load` and the pool's `startup`"), IDLE("command", IMAGE),
    IDLE("args", IMAGE), IDLE("env", IMAGE), IDLE("envFrom", IMAGE), IDLE("workingDir", IMAGE), IDLE("ports", NETWORK), IDLE("volumeMounts", DISK),
    IDLE("volumeDevices", DISK), IDLE("lifecycle", "a draining replica finishes its jobs, at most for its grace"), IDLE("securityContext", RIGHTS),
    IDLE("terminationMessagePath", "messages are not simulated"), IDLE("terminationMessagePolicy", "messages are not simulated"), IDLE("stdin", IMAGE),
    IDLE("stdinOnce", IMAGE), IDLE("tty", IMAGE), IDLE("resizePolicy", "a resize in place restarts nothing here"), END_OF_FIELDS};

/* ---- pods ---- */

static const FieldFate spread_fields[] = {USED("whenUnsatisfiable"), USED("topologyKey"), USED("*"), END_OF_FIELDS};
static const FieldFate anti_fields[] = {
    USED("requiredDuringSchedulingIgnoredDuringExecution"),
    IDLE("preferredDuringSchedulingIgnoredDuringExecution", "a preference; the pool's `placement` chooses nodes"), END_OF_FIELDS};
static const FieldFate affinity_fields[] = {IDLE("nodeAffinity", POOL), IDLE("podAffinity", POOL), BELOW("podAntiAffinity", anti_fields), END_OF_FIELDS};

const FieldFate pod_fields[] = {
    BELOW("containers", container_fields), BELOW("initContainers", container_fields), USED("terminationGracePeriodSeconds"), USED("overhead"),
    BELOW("resources", resources_fields), BELOW("topologySpreadConstraints", spread_fields), BELOW("affinity", affinity_fields), IDLE("nodeSelector", POOL),
    IDLE("tolerations", POOL), IDLE("nodeName", POOL), IDLE("schedulerName", POOL), IDLE("runtimeClassName", IMAGE), IDLE("volumes", DISK),
    IDLE("serviceAccountName", RIGHTS), IDLE("serviceAccount", RIGHTS), IDLE("automountServiceAccountToken", RIGHTS), IDLE("imagePullSecrets", RIGHTS),
    IDLE("securityContext", RIGHTS), IDLE("restartPolicy", RESTART), IDLE("priority", "all replicas are equal"), IDLE("priorityClassName", "all replicas are equal"),
    IDLE("preemptionPolicy", "all replicas are equal"), IDLE("dnsPolicy", NETWORK), IDLE("dnsConfig", NETWORK), IDLE("hostAliases", NETWORK),
    IDLE("hostNetwork", NETWORK), IDLE("hostname", NETWORK), IDLE("subdomain", NETWORK), IDLE("setHostnameAsFQDN", NETWORK), IDLE("enableServiceLinks", NETWORK),
    IDLE("hostIPC", RIGHTS), IDLE("hostPID", RIGHTS), IDLE("hostUsers", RIGHTS), IDLE("shareProcessNamespace", RIGHTS), IDLE("os", IMAGE),
    REFUSED("activeDeadlineSeconds", "replicas would end after this long"), REFUSED("schedulingGates", "replicas would wait for somebody to lift them"),
    REFUSED("readinessGates", "readiness would depend on another controller"), REFUSED("resourceClaims", "devices by claim; write nvidia.com/gpu"),
    IDLE("ephemeralContainers", "for debugging"), END_OF_FIELDS};

/* Of a template: labels and annotations of pods. */
const FieldFate pod_template_fields[] = {IDLE("metadata", NAMES), BELOW("spec", pod_fields), END_OF_FIELDS};

/* ---- Deployments, StatefulSets ---- */

static const FieldFate deployment_spec_fields[] = {
    USED("replicas"), BELOW("template", pod_template_fields), IDLE("selector", NAMES), IDLE("strategy", ROLLOUT), IDLE("minReadySeconds", ROLLOUT),
    IDLE("revisionHistoryLimit", ROLLOUT), IDLE("progressDeadlineSeconds", ROLLOUT), IDLE("paused", ROLLOUT), END_OF_FIELDS};
const FieldFate deployment_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_fields), BELOW("spec", deployment_spec_fields),
                                       IDLE("status", "written by the server"), END_OF_FIELDS};

static const FieldFate stateful_set_spec_fields[] = {
    USED("replicas"), BELOW("template", pod_template_fields), USED("podManagementPolicy"), IDLE("selector", NAMES), IDLE("serviceName", NETWORK),
    IDLE("updateStrategy", ROLLOUT), IDLE("minReadySeconds", ROLLOUT), IDLE("revisionHistoryLimit", ROLLOUT), IDLE("volumeClaimTemplates", DISK),
    IDLE("persistentVolumeClaimRetentionPolicy", DISK), IDLE("ordinals", NAMES), END_OF_FIELDS};
const FieldFate stateful_set_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_fields), BELOW("spec", stateful_set_spec_fields),
                                         IDLE("status", "written by the server"), END_OF_FIELDS};
