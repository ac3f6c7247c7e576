import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { SLOW, ask, asProblem } from "./core/api";
import { Problem } from "./core/source";
import { Failure, Waiting } from "./parts/states";

let Rest: ComponentType | null = null;

/** The views that are not in the first file, as soon as theirs is here. */
export function Later(): JSX.Element {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isSlow, setSlow] = useState(false);
  const [, setHere] = useState(Rest !== null);
  const fetchRest = async (isAgain: boolean): Promise<void> => {
    const slow = setTimeout(() => setSlow(true), SLOW);
    try {
      setProblem(null);
      Rest = (await import("./rest")).RestOfViews;
      setHere(true);
    } catch {
      setProblem(await reason(isAgain));
    } finally {
      clearTimeout(slow);
      setSlow(false);
    }
  };
  useEffect(() => {
    if (!Rest) void fetchRest(false);
  }, []);
  if (Rest) return <Rest />;
  if (!problem) return <Waiting isSlow={isSlow} what="Fetching this part of the page" />;
  return (
    <>
      <Failure problem={problem} what="This part of the page cannot be fetched" />
      <div class="tools">
        <button type="button" onClick={() => void fetchRest(true)}>
          Try again
        </button>
      </div>
    </>
  );
}

/** Browsers do not say why a file did not come; the server does. */
async function reason(isAgain: boolean): Promise<Problem> {
  try {
    await ask("/api/store", "store");
  } catch (error) {
    return asProblem(error);
  }
  // The server is there, but some browsers remember for a page that a file did not come.
  if (isAgain) location.reload();
  return new Problem("the server is there, but did not send it.", "Trying again loads the page anew; the address keeps what you see.");
}
