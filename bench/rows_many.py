"""The rows over many resources: what a discovery costs, and what a million of them take of memory and disk."""
import http.client
import json
import time

from common import Server
from rows import CON, CONTAINERS, HTTP_IN_FLIGHT, PLAIN, STEM, Registrar

DISCOVERED = 100000   # instances that a discovery walks
MATCHES = 100         # of them carry the label that is asked for
INSTANCES_MANY = 1000000
BATCH = 50000         # instances that one call of the load generator makes


class Many(Registrar):
    """So many contentInstances, in batches."""

    def fill(self, count, body, first=0):
        """Microseconds of wall time that one took, and where they are."""
        made = self.folder / f"made-{first}"
        took = 0
        with open(made, "w") as all_made:
            for done in range(0, count, BATCH):
                part = self.folder / "part"
                n = min(BATCH, count - done)
                result = self.create("{line}", 4, body, n, self.containers, part)
                if result["done"] != n:
                    raise RuntimeError(f"{result['done']} of {n} instances in {result['wall_us']} us: the machine is too busy for this row")
                took += result["wall_us"]
                all_made.write(part.read_text())
        return took / count, made


class Discovery:
    name = "discovery"
    what = (f"IN-CSE: discovery by label (fu=1, lbl, lim={MATCHES}) over {DISCOVERED} contentInstances in {CONTAINERS} containers, of which "
            f"{MATCHES} match; followed by ofst until it is complete; p50 and p99 of the whole discovery")
    yardstick = "the bare scan of the index of children with the record of each, without a server"

    class prepare(Many):
        in_flight = 1

        def __init__(self, bench):
            super().__init__(bench, "discovery")
            self.furnish()
            count = bench.count or DISCOVERED
            self.fill(MATCHES, '{"m2m:cin":{"con":"%s","lbl":["wanted"]}}' % CON)
            self.fill(count - MATCHES, '{"m2m:cin":{"con":"%s","lbl":["other"]}}' % CON, MATCHES)
            self.parts = {"resources": count, "matches": MATCHES}

        def ask(self, query, whole):
            """One discovery, with all its parts if wanted whole: what was found, how many requests, microseconds of the longest."""
            c = http.client.HTTPConnection("127.0.0.1", self.server.port)
            found, requests, longest, offset = [], 0, 0, ""
            while offset is not None:
                begun = time.monotonic()
                c.request("GET", f"/cse-in/bench?fu=1&{query}&lim={MATCHES}{offset}",
                          headers={"X-M2M-Origin": STEM, "X-M2M-RI": "1", "X-M2M-RVI": "3"})
                answer = c.getresponse()
                body = json.loads(answer.read())
                if answer.status != 200:
                    raise RuntimeError(f"discovery: {answer.status} {body}")
                longest = max(longest, (time.monotonic() - begun) * 1e6)
                found += body["m2m:uril"]
                requests += 1
                next_one = answer.getheader("X-M2M-CTO")
                offset = f"&ofst={next_one}" if next_one and whole else None
            c.close()
            return found, requests, longest

        def repeat(self, query, seconds, whole=True):
            """CPU of the server and wall time of each discovery, in microseconds."""
            walls, before, begun = [], self.server.cpu(), time.monotonic()
            while not walls or time.monotonic() - begun < seconds:
                at = time.monotonic()
                found, requests, longest = self.ask(query, whole)
                walls.append((time.monotonic() - at) * 1e6)
                if len(found) != MATCHES or len(set(found)) != MATCHES:
                    raise RuntimeError(f"discovery by {query}: {len(found)} found")
            return (self.server.cpu() - before) * 1e6 / len(walls), sorted(walls), requests, longest

        def load(self):
            cpu, walls, requests, longest = self.repeat("ty=4&lbl=wanted", self.bench.seconds)
            first_cpu, first_walls, _, _ = self.repeat("ty=4", 1, whole=False)
            self.parts |= {"requests": requests, "longest_request_us": longest, "first_hundred_cpu_us": first_cpu,
                           "first_hundred_p50_us": first_walls[len(first_walls) // 2]}
            return {"per_cpu_second": 1e6 / cpu, "wall_rate": 1e6 * len(walls) / sum(walls), "p50_us": round(walls[len(walls) // 2]),
                    "p99_us": round(walls[len(walls) * 99 // 100])}

        def yardstick(self):
            done = self.bench.tool("scan", "--store", self.folder / "cse.db", "--seconds", self.bench.seconds)
            self.parts["records_scanned"] = done["changes"] / done["done"]
            return done["done"] * 1e6 / done["cpu_us"]


class InstancesMillion:
    name = "instances-million"
    what = (f"memory and disk of an IN-CSE with {INSTANCES_MANY} contentInstances of {len(CON)} octets in {CONTAINERS} containers, two workers and "
            "a writer; the load is RETRIEVE spread over all of them")
    yardstick = None

    class prepare(Many):
        in_flight = HTTP_IN_FLIGHT

        def __init__(self, bench):
            super().__init__(bench, "million")
            self.server.stop()
            self.server = Server(bench, self.conf, workers=2)  # so that the writer is a process of its own
            self.server.open = self.server.port
            self.furnish()
            self.count = bench.count or INSTANCES_MANY
            empty = self.disk()
            before = {f"{k}_empty": v for k, v in self.server.memory().items()}
            each, made = self.fill(self.count, '{"m2m:cin":{"con":"%s"}}' % CON)
            full = self.disk()
            self.parts = {"workers": 2, "instances": self.count, "create_wall_us": each, "store_mib": full / 2**20,
                          "store_octets_each": (full - empty) / self.count, **before,
                          **{f"{k}_filled": v for k, v in self.server.memory().items()}}
            self.targets = self.folder / "targets"
            with open(made) as places:
                self.targets.write_text("".join(f"/~{place.rstrip()}\n" for place in places))

        def disk(self):
            """Octets of the store with its log."""
            return sum(f.stat().st_size for f in self.folder.glob("cse.db*"))

        def load(self):
            done = self.bench.load([self.server], "http", "--port", self.server.port, "--in-flight", self.in_flight, "--seconds",
                                   self.bench.seconds, "--path", "{line}", "--lines", self.targets, "--spread", "--header",
                                   f"X-M2M-Origin: {STEM}", *PLAIN)
            self.parts |= {f"{k}_read": v for k, v in self.server.memory().items()}
            return done

        def yardstick(self):
            return None


ROWS = [Discovery, InstancesMillion]
