"""Orders of queues, job by job: every job has a deployment of its own, which calls the one that all share, so that its columns tell when
this very job ended. A few cases are worked out by hand; many are drawn at random and played here again, in a way of its own: nothing is
kept in order, whoever is next is looked for among all."""

import os
import random
import unittest

from support.program import TOP, InFolder, Result, repetitions, small

MS = 10**6
CASES = repetitions(120, 4000, 40)
TOGETHER = 12  # cases of a scenario


def case_deployments(test, prefix, jobs, queue, slots=1, more=None):
    """jobs: (arrival ms, service ms, priority)."""
    deployments = {f"{prefix}server": {"concurrency": slots, "queue": queue, "variants": {"v": {"service": {"sized": {"per_input": "1us"}}}}, **(more or {})}}
    for k, (at_ms, service_ms, priority) in enumerate(jobs):
        test.write(f"{prefix}{k}.csv", f"arrival_ns,input\n{round(at_ms * MS)},{round(service_ms * 1000)}\n")
        deployments[f"{prefix}{k}"] = {"variants": {"v": {"service": {"distribution": {"time": "0s"}}}}, "route": [{"to": f"{prefix}server", "call": "synchronous"}],
                                       "workload": {"arrivals": {"replay": {"trace": {"file": f"{prefix}{k}.csv", "input": "input"}}}, "priority": priority}}
    return deployments


def scenario_of(deployments, **more):
    return small({"horizon": "1h", "cluster.pools.cpu": {"machine": {"cpu": 1000}, "nodes": {"min": 1, "max": 1}}, "deployments": deployments,
                  "strategies": {"still": {"scale": "none", "nodes": "static", "period": "1h", "metrics": {"scrape": "1h", "window": "1h"}}}, **more})


def ends_of(result, names, jobs, run=0):
    """When each job ended, ms; None: it was lost."""
    found, s = [], result.summary
    for name, (at_ms, _, _) in zip(names, jobs):
        k = s["deployment"].index(name)
        assert s["offered"][run, k] == 1 and s["finished"][run, k] + s["failed"][run, k] == 1, name
        found.append(round(at_ms + s["latency_mean_s"][run, k] * 1000, 6) if s["finished"][run, k] else None)
    return found


def played(jobs, order, preempt, limit, slots, patience=None, total=False):
    """The same from the rules alone."""
    ends, left, serving, waiting, now, returns = [None] * len(jobs), [s for _, s, _ in jobs], {}, {}, 0.0, 0
    deadline = [at + (patience or float("inf")) for at, _, _ in jobs]
    coming = sorted(range(len(jobs)), key=lambda k: jobs[k][0])

    def place(k):  # the least is next
        if order == "priority":
            return (-jobs[k][2], waiting[k])
        return waiting[k] if order == "fifo" else -waiting[k]

    def start(k):
        serving[k] = now
        if not total:
            deadline[k] = float("inf")

    while coming or serving:
        end, ending = min(((start + left[k], k) for k, start in serving.items()), default=(float("inf"), None))
        late, leaving = min(((deadline[k], k) for k in [*waiting, *(serving if total else [])]), default=(float("inf"), None))
        if late < min(end, jobs[coming[0]][0] if coming else end):
            now = late
            waiting.pop(leaving, None)
            if serving.pop(leaving, None) is not None and waiting:
                k = min(waiting, key=place)
                del waiting[k]
                start(k)
            continue
        if coming and jobs[coming[0]][0] < end:
            k = coming.pop(0)
            now, priority = jobs[k][0], jobs[k][2]
            victim = min(serving, key=lambda j: (jobs[j][2], -serving[j]), default=None)
            if len(serving) < slots:
                start(k)
            elif preempt and victim is not None and jobs[victim][2] < priority:
                left[victim] -= now - serving.pop(victim)
                returns -= 1
                waiting[victim] = returns
                start(k)
            else:
                waiting[k] = k
            if limit is not None and len(waiting) > limit:
                del waiting[max(waiting, key=place) if order == "priority" else k]
            continue
        now = end
        del serving[ending]
        ends[ending] = now
        if waiting:
            k = min(waiting, key=place)
            del waiting[k]
            start(k)
    return [None if end is None else round(end, 6) for end in ends]


class Orders(InFolder):
    def ends(self, jobs, queue, slots=1, options=(), more=None, **changes):
        result = self.result(scenario_of(case_deployments(self, "j", jobs, queue, slots, more), **changes), *options)
        return ends_of(result, [f"j{k}" for k in range(len(jobs))], jobs)

    JOBS = [(0, 100, 1), (10, 50, 1), (20, 50, 3), (30, 50, 2), (40, 50, 3), (125, 10, 9)]

    def test_first_come_first_served(self):
        self.assertEqual(self.ends(self.JOBS, {"order": "fifo"}), [100, 150, 200, 250, 300, 310])

    def test_newest_first(self):
        """At 100 the one of 40 is the newest, at 150 that of 125; then those of 30, 20, 10."""
        self.assertEqual(self.ends(self.JOBS, {"order": "lifo"}), [100, 310, 260, 210, 150, 160])

    def test_priority(self):
        """100: of the two of 3 the first; 150: the 9; then the second 3, the 2, the 1."""
        self.assertEqual(self.ends(self.JOBS, {"order": "priority"}), [100, 310, 150, 260, 210, 160])

    def test_preemptive_resume(self):
        """20: the first gives way with 80 left; 20-70 job 2, 70-120 job 4, 120-170 job 3, but for the 9 from 125 to 135: until 180;
        then the first of priority 1 goes on before the second: 180-260, 260-310."""
        self.assertEqual(self.ends(self.JOBS, {"order": "priority", "preempt": True}), [260, 310, 70, 180, 120, 135])

    def test_of_the_lowest_the_last_started_gives_way(self):
        """Two slots: 0 and 5 of priority 1; the 2 of 10 takes that of 5 (95 left), the 3 of 20 that of 0 (80 left), not that of the 2. The 2 ends at
        60, and the slot goes to him who was there first among the 1s, as the one who gave way last: 60-140; the 3 ends at 70: 70-165."""
        jobs = [(0, 100, 1), (5, 100, 1), (10, 50, 2), (20, 50, 3)]
        self.assertEqual(self.ends(jobs, {"order": "priority", "preempt": True}, slots=2), [140, 165, 60, 70])

    def test_a_full_queue_drops_the_newest_of_the_lowest_priority(self):
        """Room for two. 30 (of 3) displaces 20 (of 1), 40 (of 1) finds no lower one, 50 (of 2) displaces 10, 60 (of 3) displaces 50."""
        jobs = [(0, 100, 0), (10, 10, 1), (20, 10, 1), (30, 10, 3), (40, 10, 1), (50, 10, 2), (60, 10, 3)]
        self.assertEqual(self.ends(jobs, {"order": "priority", "limit": 2}), [100, None, None, 110, None, None, 120])

    def test_without_room_to_wait_who_gives_way_is_dropped(self):
        self.assertEqual(self.ends([(0, 100, 0), (10, 30, 1), (20, 10, 1), (60, 5, 0)], {"order": "priority", "preempt": True, "limit": 0}), [None, 40, None, 65])

    def test_other_orders_turn_away_who_comes(self):
        jobs = [(0, 100, 0), (10, 10, 0), (20, 10, 0), (30, 10, 0)]
        self.assertEqual(self.ends(jobs, {"order": "lifo", "limit": 2}), [100, 120, 110, None])
        self.assertEqual(self.ends(jobs, {"order": "fifo", "limit": 2}), [100, 110, 120, None])

    FAULT = {"faults": [{"at": "50ms", "deployment": "jserver"}], "deployments.jserver.replicas": {"initial": 2, "min": 2, "max": 2}}

    def test_after_a_failure(self):
        """The first replica breaks at 50 with job 0 (of 1). At the head of its class: behind the 2, before the 1 that came before. The other one is
        free at 80; nothing replaces the broken one within the hour."""
        jobs = [(0, 100, 1), (1, 79, 1), (10, 10, 1), (20, 20, 2)]
        self.assertEqual(self.ends(jobs, {"order": "priority"}, more={"failure": {"jobs": "requeue-head", "work": "restart"}}, **self.FAULT), [200, 80, 210, 100])
        self.assertEqual(self.ends(jobs, {"order": "priority"}, more={"failure": {"jobs": "requeue-tail", "work": "resume"}}, **self.FAULT), [160, 80, 110, 100])

    def test_a_restart_after_giving_way_is_from_the_beginning(self):
        """The 0 of 0 ms gives way from 10 to 30 with 30 left, and has 10 left when its replica breaks at 50. The other one is free at 201: then all of
        its 40, or those 10."""
        jobs = [(0, 40, 0), (1, 200, 5), (10, 20, 1)]
        for work, end in (("restart", 241), ("resume", 211)):
            self.assertEqual(self.ends(jobs, {"order": "priority", "preempt": True}, more={"failure": {"jobs": "requeue-head", "work": work}}, **self.FAULT), [end, 201, 30])

    def test_a_job_of_a_broken_replica_takes_the_slot_of_a_lower_one(self):
        """At 50 the one of 2 (50 left) takes the slot of the 1 (40 left)."""
        jobs = [(0, 100, 2), (10, 80, 1)]
        self.assertEqual(self.ends(jobs, {"order": "priority", "preempt": True}, more={"failure": {"jobs": "requeue-head", "work": "resume"}}, **self.FAULT), [100, 140])
        self.assertEqual(self.ends(jobs, {"order": "priority"}, more={"failure": {"jobs": "requeue-head", "work": "resume"}}, **self.FAULT), [140, 90])

    def test_queues_of_replicas_and_what_moves_between_them(self):
        """Round robin gives 0, 2, 4 to the first replica, 1, 3, 5 to the second. The first breaks at 50: job 0, requeued at the head, then 4 and 2,
        as they stood, go to the second one's queue, where priorities hold: it serves 1 till 100, then 4, 5, 0, 2, 3."""
        jobs = [(0, 100, 1), (1, 99, 1), (10, 10, 0), (20, 10, 0), (30, 10, 2), (40, 10, 1)]
        ends = self.ends(jobs, {"order": "priority"}, more={"dispatch": "round-robin", "failure": {"jobs": "requeue-tail", "work": "restart"}}, **self.FAULT)
        self.assertEqual(ends, [220, 100, 240, 230, 110, 120])

    def test_the_newest_stays_the_newest_where_it_moves_to(self):
        """The same with the newest first: job 0 goes behind 5 and 3, but 2 and then 4 come newly to that queue: 4, 2, 5, 3, 0."""
        jobs = [(0, 100, 1), (1, 99, 1), (10, 10, 0), (20, 10, 0), (30, 10, 2), (40, 10, 1)]
        ends = self.ends(jobs, {"order": "lifo"}, more={"dispatch": "round-robin", "failure": {"jobs": "requeue-tail", "work": "restart"}}, **self.FAULT)
        self.assertEqual(ends, [240, 100, 120, 140, 110, 130])

    def test_patience_empties_a_class_that_fills_again(self):
        """5, the only one of 1, gives up at 100, the 0 of 20 at 115. At 150 the 2 of 104 is first, then the 1 of 101, then the 0 of 102."""
        jobs = [(0, 150, 0), (5, 10, 1), (20, 10, 0), (101, 10, 1), (102, 10, 0), (104, 10, 2)]
        self.assertEqual(self.ends(jobs, {"order": "priority", "timeout": {"after": "95ms"}}), [150, None, None, 170, 180, 160])

    def test_patience_of_who_gave_way(self):
        """It had been served: waiting patience is over. A total one goes on: at 120 the first is lost."""
        jobs = [(0, 100, 0), (10, 60, 1), (50, 60, 1)]
        queue = {"order": "priority", "preempt": True}
        self.assertEqual(self.ends(jobs, {**queue, "timeout": {"after": "19ms"}}), [160, 70, None])
        self.assertEqual(self.ends(jobs, {**queue, "timeout": {"of": "total", "after": "120ms"}}), [None, 70, 130])

    def test_work_for_nobody_does_not_wait_again(self):
        """The client of 0 leaves at 50, its work goes on unseen, until 60 takes the slot; then the 0 of 55 is next."""
        jobs = [(0, 100, 0), (55, 10, 0), (60, 10, 1)]
        self.assertEqual(self.ends(jobs, {"order": "priority", "preempt": True, "timeout": {"of": "total", "after": "50ms", "work": "waste"}}), [None, 80, 70])

    def test_batches_wait_for_the_oldest(self):
        """Batches of up to 3 wait 50 ms at most: the 0 of 10 is ripe at 60, though the 1 of 40 stands before it."""
        more = {"variants": {"v": {"service": {"dynamic-batching": {"max_size": 3, "max_wait": "50ms", "base": "10ms", "peak": "1000000/s"}}}}}
        jobs = [(10, 1, 0), (40, 1, 1)]
        for order in ("priority", "lifo", "fifo"):
            ends = self.ends(jobs, {"order": order}, slots=3, more=more)
            self.assertEqual([round(end) for end in ends], [70, 70], order)

    def test_cache_of_an_llm(self):
        """Iterations of 10 ms, room for 20 tokens. The 0 of 0 and the 1 of 5, 8 tokens in and 10 out each, are 19 at 30 and want 2 more. The 0 gives
        its 11 up, the 1 goes on to 110; then the 0 prefills them (its 4th token at 120) and ends at 180. A third one of 35 (2 in, 2 out), if of
        1, need not wait for the 0 that is out: 40 to 60; if of 0, it comes behind it, 120 to 140. Without priorities the youngest gives up."""
        law = {"variants": {"v": {"service": {"llm": {"iteration": "10ms", "kv_tokens": 20, "kv_full": "preempt", "max_batched_tokens": 1000}}}}}
        for order, third, ends in (("priority", 1, [180, 110, 60]), ("priority", 0, [180, 110, 140]), ("fifo", 0, [100, 180, 130])):
            jobs = [(0, 8, 0), (5, 8, 1), (35, 2, third)]
            deployments = case_deployments(self, "j", jobs, {"order": order}, 3, law)
            for k, ((at_ms, tokens, _), output) in enumerate(zip(jobs, (10, 10, 2))):
                self.write(f"j{k}.csv", f"arrival_ns,input,output\n{at_ms * MS},{tokens},{output}\n")
                deployments[f"j{k}"]["workload"]["arrivals"]["replay"]["trace"]["output"] = "output"
            self.assertEqual(ends_of(self.result(scenario_of(deployments)), ["j0", "j1", "j2"], jobs), ends, (order, third))

    def test_random_jobs(self):
        first, lost, preempted = 0, 0, 0
        while first < CASES:
            deployments, expected = {}, {}
            for seed in range(first, min(first + TOGETHER, CASES)):
                draw = random.Random(f"orders {seed}")
                slots, order = draw.choice((1, 1, 2, 3)), draw.choice(("fifo", "lifo", "priority", "priority", "priority"))
                preempt, limit = order == "priority" and draw.random() < 0.5, draw.choice((None, None, 0, 1, 3))
                instants = sorted(draw.sample(range(1, 400000), draw.randint(3, 12)))
                jobs = [(at / 1000, draw.randint(1, 150000) / 1000, draw.choice((-7, 0, 1, 10**9))) for at in instants]
                patience, total = draw.choice((None, None, 77.7777, 200.0001)), draw.random() < 0.5
                queue = {"order": order, **({"preempt": preempt} if order == "priority" else {}), **({} if limit is None else {"limit": limit})}
                if patience:
                    queue["timeout"] = {"of": "total" if total else "waiting", "after": f"{patience}ms"}
                rules = (limit, slots, patience, total)
                deployments.update(case_deployments(self, f"s{seed}x", jobs, queue, slots))
                expected[seed] = (jobs, played(jobs, order, preempt, *rules), (queue, slots))
                lost += expected[seed][1].count(None)
                preempted += preempt and expected[seed][1] != played(jobs, order, False, *rules)
            result = Result(self.run_scenario(scenario_of(deployments), "--traces", "none"))
            for seed, (jobs, ends, said) in expected.items():
                self.assertEqual(ends_of(result, [f"s{seed}x{k}" for k in range(len(jobs))], jobs), ends, f"SEED {seed} {jobs} {said}")
            first += TOGETHER
        self.assertGreater(lost, CASES / 4)
        self.assertGreater(preempted, CASES / 10)


class Said(InFolder):
    """Errors and warnings, with their places."""

    def check(self, changes, code, *words):
        path = self.write("s.yaml", small(changes))
        done = self.headroom("check", path, code=code)
        for word in words:
            self.assertIn(word, done.stderr + done.stdout)

    def test_preemption_needs_priorities(self):
        self.check({"deployments.app.queue": {"preempt": True}}, 3, "preempt", "it needs `order: priority`", "s.yaml:")
        self.check({"deployments.app.queue": {"preempt": True, "order": "lifo"}}, 3, "it needs `order: priority`")

    def test_servers_have_no_slots_to_take(self):
        self.check({"deployments.app.queue": {"preempt": True, "order": "priority"}, "deployments.app.variants.only.service": {"processor-sharing": {"time": "1s"}}}, 3,
                   "`processor-sharing` have none of their own", "s.yaml:")

    def test_one_priority_is_none(self):
        self.check({"deployments.app.queue": {"order": "priority"}, "deployments.app.workload.priority": -3}, 0, "deployments.app.queue.order: all jobs that come here are of priority -3")

    def test_bounds(self):
        self.check({"deployments.app.workload.priority": 10**10}, 3, "priority")
        self.check({"deployments.app.workload.priority": 1.5}, 3, "priority")
        self.check({"deployments.app.queue": {"order": "fcfs"}}, 3, "order")


class Example(InFolder):
    def test_chat_needs_a_machine_less(self):
        """What configs/priorities.yaml says of itself: with priorities three GPUs do for the chat, without them four are needed."""
        output = self.path("p.h5")
        self.headroom("run", os.path.join(TOP, "configs", "priorities.yaml"), "--set", "replications=2", "-o", output, "-q", "--traces", "none")
        s, orders = Result(output).summary, {}
        for run, strategy in enumerate(s["strategy"]):
            order = "fifo" if s["point"][run] == 0 else "priority"
            orders.setdefault((order, strategy), []).append(s["attainment_ratio"][run])
        chat, summaries = (s["deployment"].index(name) for name in ("chat", "summaries"))
        mean = {key: sum(values) / len(values) for key, values in orders.items()}
        self.assertEqual(len(mean), 4)
        self.assertLess(mean["fifo", "three"][chat], 0.92)
        for key in (("fifo", "four"), ("priority", "three"), ("priority", "four")):
            self.assertGreater(mean[key][chat], 0.95, key)
        self.assertTrue(all(values[summaries] > 0.99 for values in mean.values()))


if __name__ == "__main__":
    unittest.main()
