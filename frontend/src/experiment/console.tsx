import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { plural } from "../core/format";
import { useKeys } from "../core/keys";
import { address, change, running } from "../core/state";
import { Empty, Failure, Waiting } from "../parts/states";
import { ConsoleLines, type ConsoleHandle } from "./console_lines";
import { SearchResults } from "./console_search";
import { useConsole, type Stream } from "./use_console";

export function ConsoleTab({ id }: { id: string }): JSX.Element {
  const stream: Stream = address.value.part === "stderr" ? "stderr" : "stdout";
  return (
    <div class="console">
      <ConsoleOf key={stream} id={id} stream={stream} />
    </div>
  );
}

function Streams({ stream }: { stream: Stream }): JSX.Element {
  return (
    <span class="group" role="group" aria-label="Which output">
      {(["stdout", "stderr"] as const).map((name) => (
        <button key={name} type="button" aria-pressed={stream === name} onClick={() => change({ part: name }, true)}>
          {name}
        </button>
      ))}
    </span>
  );
}

function ConsoleOf({ id, stream }: { id: string; stream: Stream }): JSX.Element {
  const isRunning = running.value.has(id);
  const [isFollowing, setFollowing] = useState(isRunning);
  const [text, setText] = useState("");
  const lines = useConsole(id, stream);
  const handle = useRef<ConsoleHandle>(null);
  const search = useRef<HTMLInputElement>(null);
  const { total, errors, problem, isSlow } = lines;
  const jump = (line: number): void => {
    setFollowing(false);
    handle.current?.jump(line);
  };
  const toError = (): void => {
    const line = errors.at(-1);
    if (line !== undefined) jump(line);
  };
  useKeys("Console", [
    { keys: "/", label: "search the console", run: () => search.current?.focus() },
    { keys: "E", label: "jump to the error", run: toError },
    { keys: "G", label: "to the end", run: () => jump(total) },
    { keys: "g g", label: "to the beginning", run: () => jump(0) },
    { keys: "f", label: "follow, or not", run: () => setFollowing(!isFollowing) },
  ]);
  if (total === 0) {
    return (
      <>
        <div class="tools">
          <Streams stream={stream} />
        </div>
        {problem ? (
          <Failure problem={problem} what={`${stream} cannot be read`} />
        ) : lines.isKnown ? (
          <Nothing stream={stream} isRunning={isRunning} />
        ) : (
          <Waiting isSlow={isSlow} what="Reading" />
        )}
      </>
    );
  }
  return (
    <>
      <div class="tools">
        <Streams stream={stream} />
        <input
          ref={search}
          type="search"
          aria-label="Search the console"
          placeholder="Search ( / )"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        {text && <SearchResults key={text} id={id} stream={stream} text={text} onJump={jump} />}
        {errors.length > 0 && (
          <button type="button" onClick={toError}>
            To the error
          </button>
        )}
        <button type="button" onClick={() => jump(total)}>
          To the end
        </button>
        {isRunning && (
          <button type="button" aria-pressed={isFollowing} onClick={() => setFollowing(!isFollowing)}>
            {isFollowing ? "following" : "follow"}
          </button>
        )}
        <span class="counts">{plural(total, "line")}</span>
      </div>
      <ConsoleLines lines={lines} handle={handle} isFollowing={isFollowing && isRunning} found={text} onScroll={() => setFollowing(false)} />
    </>
  );
}

function Nothing({ stream, isRunning }: { stream: Stream; isRunning: boolean }): JSX.Element {
  return (
    <Empty>
      Nothing was written to {stream}
      {isRunning ? " yet; it appears here by itself." : "."}
    </Empty>
  );
}
