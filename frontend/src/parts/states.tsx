import type { ComponentChildren, JSX } from "preact";
import type { Answer } from "../core/api";
import type { Problem } from "../core/source";

/** What is waited for, in words; nothing at all while that takes no longer than a blink. */
export function Waiting({ isSlow, what }: { isSlow: boolean; what: string }): JSX.Element {
  return (
    <p class="state" role="status">
      {isSlow ? `${what}…` : ""}
    </p>
  );
}

export function Failure({ problem, what }: { problem: Problem; what: string }): JSX.Element {
  return (
    <div class="state failure" role="alert">
      <p>
        <strong>{what}:</strong> {problem.message}
      </p>
      {problem.hint && <p>{problem.hint}</p>}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <div class="state">{children}</div>;
}

interface Props<T> {
  answer: Answer<T>;
  what: string;
  children: (value: T) => ComponentChildren;
}

/** An answer in whichever state it is; what is known stays on the page beside a later failure. */
export function Answered<T>({ answer, what, children }: Props<T>): JSX.Element {
  const { value, problem, isSlow } = answer;
  return (
    <>
      {problem && <Failure problem={problem} what={`${what} failed`} />}
      {value !== null ? children(value) : !problem && <Waiting isSlow={isSlow} what={what} />}
    </>
  );
}
