// Executes emitted modules, unchanged, on Pyodide with Cloudflare's unmodified SDK.
//
//   node play.mjs SDK_FOLDER
//
// Reads a job on each line of stdin and answers each with a line: what the run asked of its step
// object, and what it came to. The step object keeps a clock of its own: it moves to the next moment
// at which anything is due once neither Python nor JavaScript has anything left to do. All times are
// milliseconds.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { loadPyodide } from "pyodide";

const SDK = process.argv[2];
const UNITS = { second: 1e3, minute: 6e4, hour: 36e5, day: 864e5, week: 6048e5 };
const DEFAULTS = { limit: 5, delay: 10_000, backoff: "exponential" };
// Turns of the loop after which nothing is under way any more.
const TURNS = 8;

const milliseconds = (told) => {
  if (typeof told === "number") return told;
  const [, count, unit] = /^(\d+) (\w+?)s?$/.exec(told);
  return Number(count) * UNITS[unit];
};

const keyOf = (note) => `${note.type} ${note.name} ${note.count}`;

/** Values as they are after a journey: Cloudflare stores them. */
const stored = (value) => (value === undefined ? undefined : structuredClone(value));

const named = (name, message) => Object.assign(new Error(message), { name });

class Clock {
  constructor(start) {
    this.now = start;
    this.due = [];
  }
  at(moment) {
    return new Promise((arrive) => this.due.push({ moment, arrive }));
  }
  /** Whether there was anything to wait for. */
  move() {
    if (this.due.length === 0) return false;
    const first = this.due.reduce((one, other) => (other.moment < one.moment ? other : one));
    this.due.splice(this.due.indexOf(first), 1);
    this.now = Math.max(this.now, first.moment);
    first.arrive();
    return true;
  }
}

class Step {
  /** `known` are the outcomes of an earlier life of the run, by step. */
  constructor(clock, events, noted, known = new Map()) {
    this.clock = clock;
    this.events = events;
    this.noted = noted;
    this.known = known;
    this.counts = new Map();
    this.outcomes = new Map();
  }
  begin(type, name, config) {
    const key = `${type} ${name}`;
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    const note = { type, name, count, config, began: this.clock.now, status: "waiting", attempts: 0 };
    this.noted.push(note);
    return note;
  }
  end(note, status, value, error) {
    Object.assign(note, { status, ended: this.clock.now, value });
    this.outcomes.set(keyOf(note), { value, error });
  }
  /** Does it, unless its outcome is known. */
  async once(note, work) {
    const outcome = this.known.get(keyOf(note));
    if (outcome === undefined) return work();
    this.end(note, outcome.error ? "errored" : "complete", outcome.value, outcome.error);
    if (outcome.error) throw outcome.error;
    return stored(outcome.value);
  }
  async do(name, ...rest) {
    const callback = rest.at(-1);
    const config = rest.length > 1 ? stored(rest[0]) : null;
    const note = this.begin("do", name, config);
    return this.once(note, () => this.attempts(note, callback));
  }
  async attempts(note, callback) {
    const { name, config } = note;
    const retries = { ...DEFAULTS, ...config?.retries };
    for (;;) {
      note.attempts += 1;
      try {
        const step = { name, count: note.count };
        const value = stored(await callback({ step, attempt: note.attempts, config: { retries } }));
        this.end(note, "complete", value);
        return value;
      } catch (error) {
        if (error.name === "NonRetryableError" || note.attempts > retries.limit) {
          this.end(note, "errored", undefined, error);
          throw error;
        }
        const delay = milliseconds(retries.delay);
        const times = { constant: 1, linear: note.attempts, exponential: 2 ** (note.attempts - 1) };
        await this.clock.at(this.clock.now + delay * times[retries.backoff]);
      }
    }
  }
  async sleep(name, duration) {
    const note = this.begin("sleep", name, duration);
    await this.once(note, async () => {
      await this.clock.at(note.began + milliseconds(duration));
      this.end(note, "complete");
    });
  }
  async sleepUntil(name, moment) {
    const until = moment instanceof Date ? moment.getTime() : moment;
    const note = this.begin("sleep", name, until);
    await this.once(note, async () => {
      await this.clock.at(Math.max(until, note.began));
      this.end(note, "complete");
    });
  }
  async waitForEvent(name, options) {
    const note = this.begin("wait", name, stored(options));
    return this.once(note, () => this.arrival(note, options));
  }
  async arrival(note, options) {
    const timeout = milliseconds(options.timeout);
    const over = this.clock.at(note.began + timeout).then(() => null);
    const payload = await Promise.race([this.events(options.type, note.began), over]);
    if (payload === null) {
      const error = named("WorkflowTimeoutError", `Execution timed out after ${timeout}ms`);
      this.end(note, "errored", undefined, error);
      throw error;
    }
    const value = { payload, type: options.type, timestamp: new Date(this.clock.now) };
    this.end(note, "complete", value);
    return stored(value);
  }
}

// Bindings, whose classes the SDK knows by name.

class WorkflowImpl {
  constructor(children) {
    this.children = children;
  }
  async create({ id, params }) {
    return this.children.start(id, stored(params));
  }
  async get(id) {
    return new WorkflowInstance(id, this.children);
  }
}

class WorkflowInstance {
  constructor(id, children) {
    this.id = id;
    this.children = children;
  }
  async status() {
    return stored(this.children.status(this.id));
  }
}

class Fetcher {
  async fetch(request, options) {
    const { node, status } = await new Request(request, options).json();
    return answered(node, status);
  }
}

/** A body with its length, as our own server sends it. */
const answered = (node, status) => {
  const body = `{"node": "${node}"}`;
  const headers = { "content-type": "application/json", "content-length": String(body.length) };
  return new Response(body, { status, headers });
};

/** Runs that a run starts: each ends when its params say. Nobody is told. */
class Children {
  constructor(clock) {
    this.clock = clock;
    this.known = new Map();
  }
  start(id, { node, told }) {
    if (this.known.has(id)) throw new Error("(instance.already_exists) Instance already exists");
    let outcome = { status: "complete", output: { node } };
    if (told.fails) outcome = { status: "errored", error: { name: "LookupError", message: node } };
    if (told.terminated) outcome = { status: "terminated" };
    this.known.set(id, { ends: this.clock.now + told.takes * 1000, outcome });
    return { id };
  }
  status(id) {
    const { ends, outcome } = this.known.get(id);
    return this.clock.now < ends ? { status: "running" } : outcome;
  }
}

/** What a run is in: its clock, who it calls, and who sends it events. */
function surroundings(job) {
  const clock = new Clock(job.start);
  const children = new Children(clock);
  const env = { ...job.variables };
  for (const binding of job.workflows) env[binding] = new WorkflowImpl(children);
  for (const binding of job.functions) env[binding] = new Fetcher();
  const events = (type, began) => {
    const node = `n${type.split("-")[0]}`;
    const arrives = job.payload[node] ?? null;
    if (arrives === null) return new Promise(() => {});
    return clock.at(began + arrives * 1000).then(() => ({ node }));
  };
  return { clock, env, events };
}

globalThis.fetch = async (request) => {
  const [number, status] = new URL(request.url ?? request).pathname.split("/").slice(-2);
  return answered(`n${number}`, Number(status));
};

async function prepared() {
  const pyodide = await loadPyodide({ env: { TZ: "UTC", HOME: "/" } });
  const folder = "/session/metadata/python_modules";
  const copy = (from, to) => {
    pyodide.FS.mkdirTree(to);
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const [source, target] = [join(from, entry.name), `${to}/${entry.name}`];
      if (entry.isDirectory()) copy(source, target);
      else pyodide.FS.writeFile(target, readFileSync(source));
    }
  };
  copy(SDK, folder);
  // beforehand, as reading a file is no work that a run's own clock knows of
  const name = "workers/workflows.js";
  const script = await import(pathToFileURL(join(SDK, name)).href);
  const scripts = new Map([[`python_modules/${name}`, script]]);
  pyodide.registerJsModule("_cloudflare_compat_flags", {
    python_workflows_implicit_dependencies: true,
    python_request_headers_preserve_commas: true,
  });
  pyodide.registerJsModule("_pyodide_entrypoint_helper", {
    cloudflareWorkersModule: {},
    cloudflareSocketsModule: {},
    doAnImport: async (name) => scripts.get(name),
    patchWaitUntil() {},
  });
  const python = pyodide.runPython(`
import asyncio, sys
import pyodide.webloop as webloop

sys.path.insert(0, "${folder}")
scheduled = 0
call_later = webloop.WebLoop.call_later


def counted(self, delay, callback, *args, context=None):
    """What Python has left to do is known by what it has scheduled."""
    global scheduled
    scheduled += 1

    def call(*args):
        global scheduled
        scheduled -= 1
        callback(*args)

    return call_later(self, delay, call, *args, context=context)


webloop.WebLoop.call_later = counted


async def play(source, class_name, event, env, step):
    namespace = {"__name__": "worker"}
    exec(compile(source, "worker.py", "exec"), namespace)
    run = namespace[class_name](object(), env)
    try:
        return {"output": await run.run(event, step)}
    except Exception as error:
        name = getattr(error, "name", None) or type(error).__name__
        return {"error": {"name": name, "message": str(error)}}

from types import SimpleNamespace
SimpleNamespace(play=play, scheduled=lambda: scheduled)
`);
  return { pyodide, python };
}

const turn = () => new Promise(setImmediate);

/** One life of a run, from its beginning to its end. */
async function live({ python }, job, known) {
  const { clock, env, events } = surroundings(job);
  const noted = [];
  const step = new Step(clock, events, noted, known);
  const event = {
    payload: job.payload,
    timestamp: new Date(job.start),
    instanceId: job.instance,
    workflowName: "w",
  };
  let outcome = null;
  python.play(job.source, job.className, event, env, step).then(
    (made) => {
      outcome = made.toJs({ dict_converter: Object.fromEntries });
    },
    (error) => {
      outcome = { bug: String(error) };
    },
  );
  while (outcome === null) {
    for (let still = 0; still < TURNS && outcome === null; still += 1) {
      await turn();
      if (python.scheduled() > 0) still = 0;
    }
    if (outcome === null && !clock.move()) outcome = { bug: "it waits for nothing" };
  }
  return { ...outcome, steps: noted, outcomes: step.outcomes };
}

/** What a run comes to, and what it comes to `again`, replayed when all of its steps are over. */
async function run(machine, job) {
  const { outcomes, ...first } = await live(machine, job);
  const { output, error, bug } = await live(machine, job, outcomes);
  return { ...first, again: { output, error, bug } };
}

const machine = await prepared();
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await run(machine, JSON.parse(line));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
