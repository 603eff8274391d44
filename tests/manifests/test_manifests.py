#!/usr/bin/env python3
"""Manifests as strategies: a manifest runs exactly as the native strategy it stands for, whatever way it is given; fields of it are set and
swept; what a Deployment says of its pods holds for its own strategy's runs; nothing is silent."""

import os
import re
import shutil
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, TOP)
from tests.support.program import InFolder, Result, changed, small  # noqa: E402

REFERENCE = "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}"
HPA = f"""
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: app}}
spec:
  {REFERENCE}
  minReplicas: 2
  maxReplicas: 9
  metrics:
    - {{type: Resource, resource: {{name: cpu, target: {{type: Utilization, averageUtilization: 60}}}}}}
  behavior:
    scaleDown: {{stabilizationWindowSeconds: 60}}
"""
CPU60 = [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]
NATIVE_HPA = {"hpa": {"minReplicas": 2, "maxReplicas": 9, "metrics": CPU60, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}}}

KEDA = f"""
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: app
  annotations: {{autoscaling.keda.sh/paused-scale-in: "true"}}
spec:
  {REFERENCE}
  pollingInterval: 15
  minReplicaCount: 1
  maxReplicaCount: 8
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus:9090
        query: sum(vllm:num_requests_running{{namespace="x"}})
        threshold: "0.8"
"""
NATIVE_KEDA = {"keda": {"pollingInterval": 15, "minReplicaCount": 1, "maxReplicaCount": 8, "annotations": {"pausedScaleIn": True},
                        "triggers": [{"type": "prometheus", "metadata": {"query": "sum(vllm:num_requests_running)", "threshold": "800m"}}]}}

# name: (manifest, the same natively)
KINDS = {
    "hpa v2": (HPA, NATIVE_HPA),
    "hpa v1": (f"""
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {{name: app}}
spec: {{{REFERENCE}, minReplicas: 2, maxReplicas: 9, targetCPUUtilizationPercentage: 60}}
""", {"hpa": {"minReplicas": 2, "maxReplicas": 9, "metrics": CPU60}}),
    "hpa in a List": ("apiVersion: v1\nkind: List\nitems:\n  -" + HPA.replace("\n", "\n    "), NATIVE_HPA),
    "scaled object": (KEDA, NATIVE_KEDA),
    "scaled job": ("""
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: app}
spec:
  jobTargetRef: {template: {spec: {containers: [{name: main}], restartPolicy: Never}}, backoffLimit: 3}
  pollingInterval: 10
  minReplicaCount: 1
  maxReplicaCount: 10
  triggers: [{type: rabbitmq, metadata: {queueName: jobs, hostFromEnv: URL, mode: QueueLength, value: "2"}}]
""", {"keda-job": {"pollingInterval": 10, "minReplicaCount": 1, "maxReplicaCount": 10,
                   "triggers": [{"type": "rabbitmq", "metadata": {"mode": "QueueLength", "value": 2}}]}}),
    "vpa": ("""
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: app}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: app}
  updatePolicy: {updateMode: InPlaceOrRecreate}
  resourcePolicy: {containerPolicies: [{containerName: "*", maxAllowed: {cpu: "2"}}]}
""", {"vpa": {"updatePolicy": {"updateMode": "InPlaceOrRecreate"}, "resourcePolicy": {"containerPolicies": [{"maxAllowed": {"cpu": 2}}]}}}),
    "knative": ("""
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: app}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/target: "0.9", autoscaling.knative.dev/minScale: "1", autoscaling.knative.dev/max-scale: "8",
                             autoscaling.knative.dev/window: 30s}}
    spec: {containerConcurrency: 2, containers: [{name: main}]}
""", {"kpa": {"target": 0.9, "min-scale": 1, "max-scale": 8, "stable-window": "30s", "container-concurrency": 2}}),
    "knative with its ConfigMap": ("""
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: app}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/min-scale: "1"}}
    spec: {containers: [{name: main}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: config-autoscaler, namespace: knative-serving}
data: {_example: "...", container-concurrency-target-default: "1", min-scale: "3", panic-threshold-percentage: "300"}
""", {"kpa": {"min-scale": 1, "max-scale": 0, "container-concurrency": 0, "container-concurrency-target-default": 1, "panic-threshold-percentage": 300}}),
    "knative, class hpa": ("""
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: app}
spec:
  template:
    metadata: {annotations: {autoscaling.knative.dev/class: hpa.autoscaling.knative.dev, autoscaling.knative.dev/metric: cpu, autoscaling.knative.dev/target: "59.2",
                             autoscaling.knative.dev/min-scale: "2", autoscaling.knative.dev/max-scale: "9"}}
    spec: {containers: [{name: main}]}
""", {"hpa": {"minReplicas": 2, "maxReplicas": 9, "metrics": CPU60}}),
    "kserve": ("""
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: app}
spec: {predictor: {minReplicas: 1, maxReplicas: 7, scaleTarget: 1, scaleMetric: concurrency, model: {modelFormat: {name: sklearn}, storageUri: "gs://x"}}}
""", {"kpa": {"min-scale": 1, "max-scale": 7, "target": 1, "metric": "concurrency", "container-concurrency": 0}}),
    "kserve, hpa": ("""
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: app, annotations: {serving.kserve.io/deploymentMode: RawDeployment, serving.kserve.io/autoscalerClass: hpa}}
spec: {predictor: {minReplicas: 2, maxReplicas: 9, scaleTarget: 60, scaleMetric: cpu, sklearn: {storageUri: "gs://x"}}}
""", {"hpa": {"minReplicas": 2, "maxReplicas": 9, "metrics": CPU60}}),
    "kserve, keda": ("""
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: app, annotations: {serving.kserve.io/deploymentMode: Standard, serving.kserve.io/autoscalerClass: keda}}
spec:
  predictor:
    minReplicas: 1
    maxReplicas: 8
    autoScaling:
      metrics:
        - type: External
          external:
            metric: {backend: prometheus, serverAddress: "http://p:9090", query: "sum(vllm:num_requests_running)"}
            target: {type: AverageValue, averageValue: "0.8"}
    model: {modelFormat: {name: huggingface}}
""", {"keda": {"minReplicaCount": 1, "maxReplicaCount": 8, "triggers": [{"type": "prometheus", "metricType": "AverageValue",
                                                                         "metadata": {"query": "sum(vllm:num_requests_running)", "threshold": "800m"}}]}}),
    "ray serve": ("""
applications:
  - name: a
    import_path: m:app
    deployments: [{name: app, autoscaling_config: {min_replicas: 1, max_replicas: 8, target_num_ongoing_requests_per_replica: 1, upscale_delay_s: 5}}]
""", {"ray-serve": {"min_replicas": 1, "max_replicas": 8, "target_ongoing_requests": 1, "upscale_delay_s": 5}}),
    "ray service": ("""
apiVersion: ray.io/v1
kind: RayService
metadata: {name: service}
spec:
  serveConfigV2: |
    applications:
      - name: a
        import_path: m:app
        deployments: [{name: app, num_replicas: auto, autoscaling_config: {downscale_delay_s: 60}}]
  rayClusterConfig: {headGroupSpec: {}}
""", {"ray-serve": {"max_replicas": 100, "downscale_delay_s": 60}}),
}
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 3
  template:
    spec:
      terminationGracePeriodSeconds: 5
      initContainers:
        - {name: first, resources: {requests: {cpu: 250m, memory: 5Gi}}}
        - {name: mesh, restartPolicy: Always, resources: {requests: {cpu: 100m}, limits: {memory: 128Mi}}}
      containers:
        - name: main
          resources: {requests: {cpu: "1.5", memory: 3Gi}, limits: {cpu: "3", memory: 4Gi}}
          readinessProbe: {initialDelaySeconds: 7, periodSeconds: 4, successThreshold: 2}
        - {name: side, resources: {requests: {cpu: 400m}, limits: {memory: 512Mi}}}
"""
# Requests: cpu 1.5 + 0.4 + 0.1; memory max(3Gi + 512Mi + 128Mi, 5Gi of the first init container, alone before the sidecar starts). Limits:
# the memory of all three, 4736Mi, but no less than the request; `side` has no limit of CPU, so the pod has none.
POD = {"requests": {"cpu": 2, "memory": "5Gi"}, "limits": {"memory": "5Gi"}}


def load(**more):
    """A load that makes every autoscaler move."""
    wave = {"deployments.app.workload.rate": {"diurnal": {"period": "10m", "peak": 1.9}}, "horizon": "20m", "replications": 2}
    return small({**wave, "deployments.app.replicas.max": None, **more})


def figures_of(result):
    """The columns that have a row for each run."""
    return [name for name, values in result.summary.items() if len(values) == len(result.strategies) and name not in ("strategy", "run")]


class AsNative(InFolder):
    def same(self, result, one, other):
        """All figures of two strategies' runs agree, and so do their decisions."""
        names = figures_of(result)
        for nth in range(2):
            a, b = result.run_of(one, nth), result.run_of(other, nth)
            for name in names:
                self.assertEqual(repr(result.summary[name][a]), repr(result.summary[name][b]), f"{name} of {one} and {other}")

    def decided(self, output, strategy):
        return [{key: value for key, value in row.items() if key not in ("run", "strategy")} for row in self.decisions(output, "--strategy", strategy, "--limit", "0")]

    def test_every_kind(self):
        for name, (manifest, native) in KINDS.items():
            with self.subTest(name):
                self.write("m.yaml", manifest)
                output = self.run_scenario(load(strategies={"native": {"scale": native}, "made": {"scale": {"manifest": "m.yaml"}}}))
                self.same(Result(output), "native", "made")
                decisions = self.decided(output, "made")
                self.assertEqual(decisions, self.decided(output, "native"))
                self.assertTrue(decisions, "nothing was decided")

    def test_every_way_of_giving_it(self):
        self.write("hpa.yaml", HPA)
        os.mkdir(self.path("folder"))
        shutil.copy(self.path("hpa.yaml"), self.path("folder/b.yml"))
        self.write("folder/a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n")
        self.write("folder/notes.txt", "not a manifest: [")
        inline = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "app"},
                  "spec": {"scaleTargetRef": {"name": "app"}, **NATIVE_HPA["hpa"]}}
        ways = {"native": {"scale": NATIVE_HPA}, "file": {"scale": {"manifest": "hpa.yaml"}}, "target": {"deployments": {"app": {"scale": {"manifest": "hpa.yaml"}}}},
                "inline": {"scale": inline}, "whole": {"manifest": "folder/"}, "list": {"manifest": ["folder/a.yaml", inline]}}
        result = self.result(load(strategies=ways), "-f", "hpa.yaml", "--filename", "folder")
        self.assertEqual(list(dict.fromkeys(result.strategies)), [*ways, "hpa", "folder"])
        for way in [*ways, "hpa", "folder"]:
            self.same(result, "native", way)

    def test_flags_of_the_controller_stand_beside_the_manifest(self):
        self.write("hpa.yaml", HPA)
        flags = {"controller": {"sync_period": "30s", "tolerance": 0.3}}
        result = self.result(load(strategies={"native": {"scale": {"hpa": {**NATIVE_HPA["hpa"], **flags}}}, "made": {"scale": {"manifest": "hpa.yaml", **flags}}}))
        self.same(result, "native", "made")
        self.headroom("check", "s.yaml", "--set", "strategies.made.scale.controller.tolerance=x", code=3)

    def test_several_deployments(self):
        other = {**small()["deployments"]["app"], "workload": {"arrivals": {"poisson": {"rate": "5/s"}}}}
        self.write("all.yaml", HPA + "---" + KEDA.replace("app", "other"))
        native = {"deployments": {"app": {"scale": NATIVE_HPA}, "other": {"scale": NATIVE_KEDA}}}
        self.same(self.result(load(**{"deployments.other": other, "strategies": {"native": native, "made": {"manifest": "all.yaml"}}})), "native", "made")

    def test_node_pool(self):
        self.write("pool.yaml", """
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: general}
spec:
  weight: 5
  template:
    spec:
      expireAfter: Never
      requirements:
        - {key: node.kubernetes.io/instance-type, operator: In, values: [cpu]}
        - {key: karpenter.k8s.aws/instance-cpu, operator: Gt, values: ["3"]}
        - {key: karpenter.k8s.aws/instance-gpu-count, operator: DoesNotExist}
  limits: {cpu: 12}
  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 1m, budgets: [{nodes: "1"}]}
""")
        native = {"karpenter": {"nodePools": {"general": {"pools": ["cpu"], "weight": 5, "limits": {"cpu": 12}, "expireAfter": "800000h",
                                                          "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "1m", "budgets": [{"nodes": "1"}]}}}}}
        horizontal = {"horizontal": {"target": 0.5}}
        strategies = {"native": {"scale": horizontal, "nodes": native}, "made": {"scale": horizontal, "nodes": {"manifest": "pool.yaml"}},
                      "all": {"scale": horizontal, "manifest": "pool.yaml"}}
        result = self.result(load(**{"cluster.pools.dear": {"machine": {"cpu": 2, "memory": "8Gi", "price": "$2/h"}}, "deployments.app.pool": ["cpu", "dear"],
                                     "strategies": strategies}))
        self.same(result, "native", "made")
        self.same(result, "native", "all")

    def test_a_deployment_holds_for_its_own_strategy(self):
        self.write("all.yaml", DEPLOYMENT + "---" + HPA)
        strategies = {"plain": {"scale": NATIVE_HPA}, "made": {"manifest": "all.yaml"}, "again": {"scale": NATIVE_HPA}}
        mixed = self.result(load(strategies=strategies))
        changes = {"deployments.app." + key: value for key, value in POD.items()}
        # 7 s, then every 4 s: loading takes 5 s; a second success comes 4 s later.
        changes.update({"deployments.app.replicas.initial": 3, "deployments.app.grace": "5s", "deployments.app.readiness": {"delay": "7s", "period": "4s", "settle": "4s"}})
        alone = Result(self.run_scenario(load(**changes, strategies={"plain": {"scale": NATIVE_HPA}}), name="alone"))
        self.same(mixed, "plain", "again")
        names = figures_of(mixed)
        for name in names:
            self.assertEqual(repr(mixed.summary[name][mixed.run_of("made")]), repr(alone.summary[name][alone.run_of("plain")]), name)
        self.assertNotEqual(repr(mixed.summary["latency_mean_s"][mixed.run_of("made")]), repr(mixed.summary["latency_mean_s"][mixed.run_of("plain")]))

    def test_a_stateful_set_starts_its_replicas_in_order(self):
        """Unless it says Parallel, which is what a Deployment does."""
        ordered = DEPLOYMENT.replace("kind: Deployment", "kind: StatefulSet")
        self.write("deployment.yaml", DEPLOYMENT + "---" + HPA)
        self.write("parallel.yaml", ordered.replace("  replicas: 3", "  replicas: 3\n  podManagementPolicy: Parallel") + "---" + HPA)
        self.write("said.yaml", ordered.replace("  replicas: 3", "  replicas: 3\n  podManagementPolicy: OrderedReady") + "---" + HPA)
        self.write("silent.yaml", ordered + "---" + HPA)
        waves = {"deployments.app.workload.rate": {"steps": {"points": [{"at": "0s", "factor": 0.2}, {"at": "10m", "factor": 4}]}}}
        result = self.result(load(**waves, strategies={name: {"manifest": f"{name}.yaml"} for name in ("deployment", "parallel", "said", "silent")}))
        self.same(result, "parallel", "deployment")
        self.same(result, "said", "silent")
        alone = Result(self.run_scenario(load(**waves, **{"deployments.app.replicas.starting": 1}, strategies={"deployment": {"manifest": "deployment.yaml"}}), name="alone"))
        for name in figures_of(result):
            self.assertEqual(repr(result.summary[name][result.run_of("silent")]), repr(alone.summary[name][alone.run_of("deployment")]), name)
        self.assertNotEqual(repr(result.summary["latency_mean_s"][result.run_of("silent")]), repr(result.summary["latency_mean_s"][result.run_of("deployment")]))

    def test_scale_to_zero_needs_no_minimum_of_the_scenario(self):
        zero = KEDA.replace("minReplicaCount: 1", "minReplicaCount: 0").replace('  annotations: {autoscaling.keda.sh/paused-scale-in: "true"}\n', "").replace("pollingInterval: 15", "cooldownPeriod: 30")
        self.write("zero.yaml", zero)
        quiet = {"deployments.app.workload.arrivals": {"poisson": {"rate": "0.2/m"}}, "deployments.app.replicas.min": None, "strategies": {"made": {"manifest": "zero.yaml"}}}
        scenario = load(**quiet)
        self.assertTrue([row for row in self.decided(self.run_scenario(scenario), "made") if row["replicas_after"] == 0])
        said = self.headroom("check", self.write("floor.yaml", changed(scenario, {"deployments.app.replicas.min": 1}))).stderr
        self.assertIn("zero.yaml:9:20: warning: 0 replicas at least: the scenario's `deployments.app.replicas.min` (1) is higher and holds", said)


class RealFiles(InFolder):
    def test_the_shipped_ones_run_as_they_are(self):
        shutil.copytree(os.path.join(TOP, "configs", "manifests"), self.path("m"))
        run = self.headroom("run", "m/chat.yaml", "-o", "chat.h5", "--set", "horizon=2h", "--set", "replications=1", "--set", "warmup=0s")
        for line in run.stderr.splitlines():
            self.assertRegex(line, r"^m/[a-z./-]+\.yaml:\d+:\d+: warning: ", "something else is said")
        result = Result(self.path("chat.h5"))
        self.assertEqual(len(result.strategies), 4)
        self.assertTrue(all(status == 0 for status in result.summary["status"]))
        for strategy in ("hpa", "keda-karpenter", "knative", "ray-serve"):
            self.assertTrue(self.decisions("chat.h5", "--strategy", strategy), strategy)

    def test_every_field_without_effect_is_named_with_its_place(self):
        shutil.copytree(os.path.join(TOP, "configs", "manifests"), self.path("m"))
        said = self.headroom("check", "m/chat.yaml").stderr
        with open(self.path("m/chat-prod/chat.yaml"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        for key in ("image:", "namespace:", "nodeSelector:", "tolerations:", "volumes:", "livenessProbe:", "serverAddress:", "authenticationRef:", "nodeClassRef:", "strategy:"):
            at = next(k for k, line in enumerate(lines) if line.strip().startswith(key))
            column = len(lines[at]) - len(lines[at].lstrip()) + 1
            self.assertRegex(said, rf"(?m)^m/chat-prod/chat.yaml:{at + 1}:{column}: warning: `[^`]*{key[:-1]}` has no effect: ", key)

    def test_what_differs_from_the_plain_strategy_is_what_it_says(self):
        """Without its manifest's pods (sidecar, probes), the ScaledObject alone gives other figures."""
        shutil.copytree(os.path.join(TOP, "configs", "manifests"), self.path("m"))
        with open(self.path("m/chat-prod/chat.yaml"), encoding="utf-8") as file:
            deployment, scaled, pool = file.read().split("\n---\n")
        self.write("m/parts.yaml", scaled + "\n---\n" + pool)
        self.write("m/alone.yaml", deployment + "\n---\n" + scaled)
        options = ["--set", "horizon=30m", "--set", "replications=1", "--set", "warmup=0s", "-f", self.path("m/parts.yaml"), "-f", self.path("m/alone.yaml"), "--quiet"]
        self.headroom("run", "m/chat.yaml", "-o", "x.h5", *options)
        costs = {name: float(Result(self.path("x.h5")).value("cost_usd", name)) for name in ("keda-karpenter", "parts", "alone")}
        self.assertEqual(len(set(costs.values())), 3, costs)


class Edits(InFolder):
    def setUp(self):
        super().setUp()
        self.write("hpa.yaml", HPA)
        self.write("other.yaml", HPA.replace("averageUtilization: 60", "averageUtilization: 30"))
        self.write("all.yaml", DEPLOYMENT + "---" + HPA)
        self.made = load(strategies={"hpa": {"scale": {"manifest": "hpa.yaml"}}})

    def native(self, percent):
        native = changed({"x": NATIVE_HPA}, {})["x"]
        native["hpa"]["metrics"][0]["resource"]["target"]["averageUtilization"] = percent
        return {"scale": native}

    FIELD = "strategies.hpa.scale.spec.metrics[0].resource.target.averageUtilization"

    def figures(self, scenario, *options, name="s"):
        result = self.result(scenario, *options, name=name)
        return {key: [repr(value) for value in values] for key, values in result.summary.items() if key not in ("point",)}

    def test_set(self):
        want = self.figures(load(strategies={"hpa": self.native(30)}), name="n")
        self.assertEqual(self.figures(self.made, "--set", self.FIELD + "=30"), want)
        self.assertEqual(self.figures(self.made, "--set", self.FIELD.replace("spec", "manifest[0].spec") + "=30"), want)
        self.assertEqual(self.figures(self.made, "--set", self.FIELD.replace("spec", "manifest.HorizontalPodAutoscaler.spec") + "=30"), want)
        self.assertEqual(self.figures(self.made, "--set", "strategies.hpa.scale.manifest=other.yaml"), want)
        self.assertEqual(self.figures(load(strategies={"hpa": {"manifest": "hpa.yaml"}}), "--set", self.FIELD + "=30"), want)

    def test_sweep_of_a_field_and_of_whole_manifests(self):
        values = {"set": self.FIELD, "values": [60, 30], "name": "target"}
        want = self.figures(load(strategies={"hpa": self.native(60)}, sweep=[{"set": "strategies.hpa.scale.hpa.metrics[0].resource.target.averageUtilization",
                                                                              "values": [60, 30], "name": "target"}]), name="n")
        self.assertEqual(self.figures(changed(self.made, {"sweep": [values]})), want)
        files = self.figures(changed(self.made, {"sweep": [{"set": "strategies.hpa.scale.manifest", "values": ["hpa.yaml", "other.yaml"], "name": "target"}]}))
        for key in set(want) - {"swept_target"}:
            self.assertEqual(files[key], want[key], key)
        self.assertIn("sweeps", self.headroom("check", "s.yaml").stdout)

    def test_a_swept_file_and_a_field_of_it(self):
        self.write("all2.yaml", HPA)
        both = [{"set": "strategies.hpa.manifest", "values": ["all.yaml", "all2.yaml"]}, {"set": "strategies.hpa.scale.spec.maxReplicas", "values": [4, 9]}]
        result = self.result(load(strategies={"hpa": {"manifest": "all.yaml"}}, sweep=both))
        self.assertEqual(len(result.strategies), 8)

    def test_paths_that_lead_nowhere(self):
        for path, why in (("strategies.hpa.scale.spec.maxReplica=3", "unknown field `spec.maxReplica`; did you mean `maxReplicas`?"),
                          ("strategies.hpa.scale.manifest.ScaledObject.spec.maxReplicaCount=3", "none of the manifests is a `ScaledObject`; there is only `HorizontalPodAutoscaler`"),
                          ("strategies.hpa.scale.manifest[3].spec=3", "manifest[3] is past the end of 1 documents"),
                          ("strategies.hpa.scale.manifest=no.yaml", "No such file or directory"),
                          ("strategies.hpa.scale.spec.metrics[4].type=Pods", "[4] is past the end of a list of 1")):
            with self.subTest(path):
                self.write("s.yaml", self.made)
                said = self.headroom("check", "s.yaml", "--set", path, code=None)
                self.assertIn(said.returncode, (3, 4))
                self.assertIn("--set " + path.split("=", maxsplit=1)[0], said.stderr)
                self.assertIn(why, said.stderr)

    def test_the_choice_of_strategies_and_a_name_given_twice(self):
        self.write("s.yaml", self.made)
        self.headroom("run", "s.yaml", "-f", "other.yaml", "--strategies", "other", "-o", "o.h5", "-q")
        self.assertEqual(set(Result(self.path("o.h5")).strategies), {"other"})
        self.assertIn("has a strategy `hpa` already", self.headroom("check", "s.yaml", "-f", "hpa.yaml", code=2).stderr)
        self.assertIn("No such file", self.headroom("check", "s.yaml", "-f", "none.yaml", code=4).stderr)

    def test_resume_refuses_a_manifest_that_has_changed(self):
        self.write("s.yaml", self.made)
        self.headroom("run", "s.yaml", "-f", "other.yaml", "-o", "o.h5", "-q")
        self.headroom("run", "s.yaml", "-f", "other.yaml", "-o", "o.h5", "-q", "--resume")
        self.write("other.yaml", HPA)
        self.headroom("run", "s.yaml", "-f", "other.yaml", "-o", "o.h5", "-q", "--resume", code=2)
        said = self.headroom("check", "s.yaml", "-f", "other.yaml").stdout
        self.assertRegex(said, r"input +hpa\.yaml \(sha256 [0-9a-f]{12}\)")
        self.assertRegex(said, r"input +other\.yaml \(sha256 [0-9a-f]{12}\)")


class Silence(InFolder):
    """Objects that a folder holds beside."""

    def check(self, manifests, code=0):
        self.write("m.yaml", manifests)
        self.write("s.yaml", load())
        return self.headroom("check", "s.yaml", "-f", "m.yaml", code=code).stderr

    def test_kinds_of_no_effect(self):
        kinds = ["v1 Namespace", "v1 Service", "v1 ConfigMap", "v1 Secret", "v1 ServiceAccount", "rbac.authorization.k8s.io/v1 Role", "networking.k8s.io/v1 Ingress",
                 "gateway.networking.k8s.io/v1 HTTPRoute", "monitoring.coreos.com/v1 ServiceMonitor", "keda.sh/v1alpha1 TriggerAuthentication",
                 "karpenter.k8s.aws/v1 EC2NodeClass", "serving.kserve.io/v1alpha1 ServingRuntime", "policy/v1 PodDisruptionBudget"]
        for kind in kinds:
            with self.subTest(kind):
                api, name = kind.split()
                said = self.check(HPA + f"---\napiVersion: {api}\nkind: {name}\nmetadata: {{name: x}}\nspec: {{anything: [1, 2]}}\n")
                self.assertRegex(said, rf"^m\.yaml:\d+:\d+: warning: .*{name}.* has no effect: ")

    def test_a_vpa_that_only_recommends_beside_an_hpa(self):
        vpa = KINDS["vpa"][0]
        self.assertIn("it only recommends", self.check(vpa.replace("InPlaceOrRecreate", '"Off"') + "---" + HPA))
        self.assertIn("has an autoscaler already", self.check(vpa + "---" + HPA, code=3))

    def test_a_reference_by_another_name(self):
        said = self.check(HPA.replace("name: app}", "name: vllm}"))
        self.assertRegex(said, r"m\.yaml:6:65: warning: the scenario has no deployment `vllm`: this HorizontalPodAutoscaler is taken for `app`, its only one")

    def test_bounds_that_the_scenario_tightens(self):
        self.write("m.yaml", HPA)
        self.write("s.yaml", load(**{"deployments.app.replicas.max": 5}))
        said = self.headroom("check", "s.yaml", "-f", "m.yaml").stderr
        self.assertIn("m.yaml:8:16: warning: 9 replicas at most: the scenario's `deployments.app.replicas.max` (5) is lower and holds", said)

    def test_no_warning_is_said_twice(self):
        said = self.check(DEPLOYMENT + "---" + HPA).splitlines()
        self.assertEqual(len(said), len(set(said)))
        self.assertFalse([line for line in said if not re.match(r"m\.yaml:\d+:\d+: warning: ", line)])


if __name__ == "__main__":
    unittest.main()
