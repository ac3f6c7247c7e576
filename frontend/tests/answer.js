// What an exported page answers: tests/web/test_export_answers.py asks it and the server the same.
import { readFileSync } from "node:fs";
import { InlinedSource } from "../src/exported/source";

const { data, questions } = JSON.parse(readFileSync(0, "utf-8"));
const source = new InlinedSource(data);
const answered = questions.map((question) =>
  source.ask(question).catch(({ message, hint }) => ({ problem: message ?? "", hint })),
);
process.stdout.write(JSON.stringify(await Promise.all(answered)));
