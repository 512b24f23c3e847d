import { describe, expect, it } from "vitest";
import { arriving } from "./late";

const ADDRESS = "http://here/assets/code-mirror-1.js";
const missing = (address = ADDRESS) =>
  new TypeError(`Failed to fetch dynamically imported module: ${address}`);
const module = { CodeEditor: "the editor" };
const reloaded = new Error("loaded anew");

type Way = { fails?: number; there?: boolean | null; found?: object };

/** A server that is away for the first `fails` imports that follow the first. */
function world({ fails = 0, there = true, found = module }: Way) {
  const asked: string[] = [];
  const arrive = arriving({
    there: async () => void asked.push("there?"),
    has: async () => there,
    import: async (address) => {
      asked.push(address.replace(ADDRESS, ""));
      if (asked.filter((one) => one !== "there?").length <= fails) throw missing(address);
      return found;
    },
    anew: async () => {
      throw reloaded;
    },
  });
  return { asked, arrive };
}

const gone = async (): Promise<typeof module> => {
  throw missing();
};

describe("code that comes when it is needed", () => {
  it("is there at once where nothing is wrong", async () => {
    const { arrive, asked } = world({});
    expect(await arrive(async () => module, "CodeEditor")).toBe(module);
    expect(asked).toEqual([]);
  });

  it("comes by another address once the server is there", async () => {
    const { arrive, asked } = world({});
    expect(await arrive(gone, "CodeEditor")).toBe(module);
    expect(asked).toEqual(["there?", "?again=1"]);
  });

  it("is asked for once more, by one more address, where the server left again", async () => {
    const { arrive, asked } = world({ fails: 1, there: null });
    expect(await arrive(gone, "CodeEditor")).toBe(module);
    expect(asked).toEqual(["there?", "?again=1", "there?", "?again=2"]);
  });

  it("comes with the whole page where another build has taken its place", async () => {
    const { arrive, asked } = world({ there: false });
    await expect(arrive(gone, "CodeEditor")).rejects.toBe(reloaded);
    expect(asked).toEqual(["there?"]);
  });

  it("comes with the whole page where a browser tells no address, or the part is another", async () => {
    const safari = async (): Promise<typeof module> => {
      throw new TypeError("Importing a module script failed.");
    };
    await expect(world({}).arrive(safari, "CodeEditor")).rejects.toBe(reloaded);
    const other = world({ found: { t: 1 } });
    await expect(other.arrive(gone, "CodeEditor")).rejects.toBe(reloaded);
  });

  it("comes with the whole page where what it needs itself stays missing", async () => {
    await expect(world({ fails: 9 }).arrive(gone, "CodeEditor")).rejects.toBe(reloaded);
  });

  it("leaves its own errors as they are", async () => {
    const bug = new TypeError("x is not a function");
    const load = async (): Promise<typeof module> => {
      throw bug;
    };
    await expect(world({}).arrive(load, "CodeEditor")).rejects.toBe(bug);
  });
});
