"""The founding decision from beginning to end, as `headroom explain` tells it: the rows of the founding table and the tracker of its
variables, in its words. Everything is scripted: constant arrivals and services, data sizes over time, a pool of two nodes of three cores
with one replica of two cores each. By hand: utilisation is rate x service x 2 / cores in use; a need is above 70 %, the target 60 %."""

import unittest

from support.program import InFolder, changed

SCRIPT = {
    "name": "mission",
    "horizon": "60m",
    "cluster": {"pools": {"cpu": {"machine": {"cpu": 3, "memory": "16Gi", "price": "$1/h"}, "nodes": {"min": 1, "max": 2}, "startup": "30s"}}},
    "deployments": {
        "app": {
            "requests": {"cpu": 2, "memory": "4Gi"},
            "replicas": {"initial": 1, "min": 1, "max": 8},
            "variants": {
                "small": {"accuracy": 0.7, "service": {"distribution": {"time": "50ms"}}},
                "large": {"accuracy": 0.8, "service": {"distribution": {"time": "200ms"}}},
            },
            "speed": "linear",
            "objective": {"latency": "2s", "attainment": "90%"},
            "workload": {
                "arrivals": {"constant": {"rate": "1/s"}},
                "rate": {"steps": {"points": [{"at": "0s", "factor": 4}, {"at": "20m", "factor": 8}, {"at": "30m", "factor": 12}]}},
            },
        }
    },
    "strategies": {
        "rule": {
            "scale": {
                "threshold": {
                    "data_size": {
                        "source": "series",
                        "below": "10G",
                        "series": [{"at": "0s", "size": "5G"}, {"at": "10m", "size": "20G"}, {"at": "45m", "size": "4G"}],
                    },
                    "resource_limit": {"source": "pool"},
                }
            }
        }
    },
}

SMALL_MODEL = ("Check data size", "data_size < threshold", "True", "use_small_model()", "Small model running")
PREPARING = ("Check data size", "data_size < threshold", "False", "check resource_limit", "Preparing to scale")
VERTICAL = ("Check resource limit", "resource_limit", "True", "scale_vertically()", "Resources increased on single node")
HORIZONTAL = ("Check resource limit", "resource_limit", "False", "scale_horizontally()", "Added more nodes to cluster")
MONITOR = ("Monitor & Optimize", None, "True", "Adjust strategy if needed", "System optimized for load")


class Explained:
    """The text of `explain`, read by its bars: decisions as (heading, rows), the tracker as {when: (data_size, resource_limit, state)}."""

    def __init__(self, text):
        self.text = text
        table, tracker = text.split("\nVariables\n")
        self.decisions = []
        for line in table.splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) == 5 and cells[0] != "Step":
                cells[4] = cells[4].split(" (")[0]
                self.decisions[-1][1].append(tuple(cells))
            elif ":" in line and not line.startswith(" "):
                self.decisions.append((line, []))
        rows = [[cell.strip() for cell in line.split("|")] for line in tracker.splitlines()]
        self.columns, self.tracker = tuple(rows[0][1:]), {row[0]: tuple(row[1:]) for row in rows[1:]}

    def rows(self):
        return [row for _, rows in self.decisions for row in rows]

    def heading_of(self, row):
        return next(heading for heading, rows in self.decisions if row in rows)

    def at(self, instant):
        """The rows of the decision at an instant, and its heading."""
        return next((rows, heading) for heading, rows in self.decisions if heading.startswith(instant + " "))


class Mission(InFolder):
    def explain(self, changes=None):
        output = self.run_scenario(changed(SCRIPT, changes or {}))
        return Explained(self.headroom("explain", output, "--limit", "0").stdout)

    def assert_row(self, explained, row):
        found = [other for other in explained.rows() if all(part is None or part == cell for part, cell in zip(row, other))]
        self.assertTrue(found, f"no row {row} in\n{explained.text}")
        return found[0]

    def test_row_1_small_data_small_model(self):
        rows, heading = self.explain().at("15s")
        self.assertEqual(rows[-1], SMALL_MODEL)
        self.assertIn("variant 1 -> 0", heading)

    def test_row_2_large_data_prepare(self):
        rows, _ = self.explain().at("11m")
        self.assertIn(PREPARING, rows)
        self.assertEqual(rows[0][:4], ("Evaluate performance", "need to scale", "True", "check data size"))

    def test_row_3_resource_limit_vertical(self):
        rows, heading = self.explain().at("21m")
        self.assertEqual(rows[1:], [PREPARING, VERTICAL])
        self.assertIn("cpu 2 -> 2.665", heading)
        self.assertNotIn("replicas", heading)

    def test_row_4_no_resource_limit_horizontal(self):
        rows, heading = self.explain().at("11m")
        self.assertEqual(rows[1:], [PREPARING, HORIZONTAL])
        self.assertIn("replicas 1 -> 2", heading)
        self.assertNotIn("cpu", heading)

    def test_row_5_monitor_and_optimize(self):
        explained = self.explain()
        row = self.assert_row(explained, MONITOR)
        # Four looks at 15 s without an action after the small model was taken at 15 s.
        self.assertTrue(explained.heading_of(row).startswith("1m15s "), explained.heading_of(row))

    def test_order_of_the_states(self):
        """As scripted: small, out, up, up, exhausted, back to the small model, and optimized in between."""
        states = [rows[-1][4] for _, rows in self.explain().decisions]
        states = [state for k, state in enumerate(states) if k == 0 or state != states[k - 1]]
        self.assertEqual(
            states,
            ["Idle", SMALL_MODEL[4], MONITOR[4], "Preparing to scale", HORIZONTAL[4], MONITOR[4], VERTICAL[4], MONITOR[4], VERTICAL[4],
             "Both ways blocked: no node to be had, no room on the node", SMALL_MODEL[4], MONITOR[4], VERTICAL[4], MONITOR[4]])

    def test_exhausted_when_both_ways_are_blocked(self):
        explained = self.explain()
        rows, heading = explained.at("31m30s")
        self.assertEqual(rows[1], PREPARING)
        self.assertEqual(rows[2][:4], ("Check resource limit", "both ways blocked", "True", "report exhausted"))
        self.assertIn("nothing changed", heading)
        result = self.result(SCRIPT, name="again")
        self.assertAlmostEqual(result.value("exhausted_ratio"), (45 * 60 - 31.5 * 60) / 3600, places=12)

    def test_back_to_the_small_model(self):
        rows, heading = self.explain().at("45m")
        self.assertEqual(rows, [SMALL_MODEL])
        self.assertIn("variant 1 -> 0", heading)

    def test_hysteresis(self):
        """Large data that fall to 95 % of the threshold are large still; at 90 % less a byte they are small."""
        for size, back in (("9.5G", False), ("9000000000", False), ("8999999999", True)):
            series = [{"at": "0s", "size": "5G"}, {"at": "10m", "size": "20G"}, {"at": "45m", "size": size}]
            explained = self.explain({"strategies.rule.scale.threshold.data_size.series": series})
            small_at_the_end = any(heading.startswith("45m ") and SMALL_MODEL in rows for heading, rows in explained.decisions)
            self.assertEqual(small_at_the_end, back, f"{size}\n{explained.text}")

    def test_threshold_itself_is_large(self):
        series = [{"at": "0s", "size": "10G"}]
        rows = self.explain({"strategies.rule.scale.threshold.data_size.series": series}).rows()
        self.assertNotIn(SMALL_MODEL, rows)
        self.assertIn(PREPARING, rows)

    def test_resource_limit_always_and_never(self):
        """The first need with large data goes up where the limit holds, out where it does not."""
        series = [{"at": "0s", "size": "20G"}]
        for source, wanted in (("always", VERTICAL), ("never", HORIZONTAL)):
            explained = self.explain({"strategies.rule.scale.threshold.data_size.series": series,
                                      "strategies.rule.scale.threshold.resource_limit": {"source": source}})
            first = next(row for row in explained.rows() if row[0] == "Check resource limit")
            self.assertEqual(first, wanted)

    def test_tracker(self):
        explained = self.explain()
        self.assertEqual(explained.columns, ("data_size", "resource_limit", "model_state"))
        tracker = explained.tracker
        self.assertEqual(tracker["start"], ("5 GB", "False", "idle"))
        self.assertEqual(tracker["after step 1"], ("5 GB", "False", "small_model_running"))
        self.assertEqual(tracker["after step 2"], ("5 GB", "False", "optimized"))
        self.assertEqual(tracker["after step 3"], ("20 GB", "False", "preparing_to_scale"))
        self.assertEqual(tracker["final"][2], "optimized")

    def test_tracker_ends_with_the_end_of_the_run(self):
        """By hand: the last decision is at 52m; then the second node, empty since 51m, goes, so that a node is to be had again."""
        result = self.result(SCRIPT)
        self.assertEqual(result.trace["data_size_bytes"][0, 0, -1], 4e9)
        self.assertEqual(result.trace["resource_limit"][0, 0, -1], 0)
        self.assertEqual(result.trace["variant"][0, 0, -1], 0)
        self.assertEqual(self.explain().tracker["final"], ("4 GB", "False", "optimized"))

    def test_tracker_ends_with_the_last_size(self):
        series = [{"at": "0s", "size": "5G"}, {"at": "8m", "size": "3G"}]
        tracker = self.explain({"horizon": "10m", "strategies.rule.scale.threshold.data_size.series": series}).tracker
        self.assertEqual(tracker["start"][0], "5 GB")
        self.assertEqual(tracker["final"][0], "3 GB")

    def test_tracker_of_the_large_branch(self):
        explained = self.explain({"horizon": "15m", "strategies.rule.scale.threshold.data_size.series": [{"at": "0s", "size": "20G"}]})
        tracker = explained.tracker
        self.assertEqual(tracker["start"], ("20 GB", "False", "idle"))
        self.assertEqual(tracker["after step 1"], ("20 GB", "False", "preparing_to_scale"))
        self.assertEqual(tracker["after step 2"], ("20 GB", "False", "scaled_horizontally"))
        self.assertEqual(tracker["after step 3"][2], "optimized")
        self.assertEqual(tracker["final"][2], "optimized")

    def test_json_says_the_same(self):
        output = self.run_scenario(SCRIPT)
        text = Explained(self.headroom("explain", output, "--limit", "0").stdout)
        rows = [(row["step"], row["condition"], {True: "True", False: "False", None: "-"}[row["result"]], row["action"])
                for row in self.decisions(output)]
        self.assertEqual(rows, [row[:4] for row in text.rows()])


if __name__ == "__main__":
    unittest.main()
