// Reads the project's own documents for the tests that hold them to the code.

import { readFileSync } from "node:fs";

const ROOT = new URL("../../", import.meta.url);

export function readDocument(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}

/** The text below a heading, up to the next one of the same or a higher level. Throws where there is none. */
export function sectionOf(markdown: string, heading: string): string {
  const lines = withoutFences(markdown);
  const level = heading.match(/^#+/)?.[0].length ?? 0;
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`no heading "${heading}"`);
  const length = lines.slice(start + 1).findIndex((line) => {
    const hashes = line.match(/^#+(?= )/)?.[0].length;
    return hashes !== undefined && hashes <= level;
  });
  const end = length < 0 ? lines.length : start + 1 + length;
  return markdown
    .split("\n")
    .slice(start + 1, end)
    .join("\n");
}

/** The rows of every table in `markdown`, cell by cell, without the headings. */
export function tableRows(markdown: string): string[][] {
  const rows: string[][] = [];
  let isBody = false;
  for (const line of markdown.split("\n")) {
    if (!line.startsWith("|")) isBody = false;
    else if (/^\|[-:| ]+\|$/.test(line)) isBody = true;
    else if (isBody) {
      const cells = line.split(/(?<!\\)\|/).slice(1, -1);
      rows.push(cells.map((cell) => cell.trim().replaceAll("\\|", "|")));
    }
  }
  return rows;
}

/** What stands in code blocks. */
function codeBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^ *```[a-z]*\n([^]*?)^ *```$/gm)].map(([, code]) => code ?? "");
}

/** What stands between single backticks in running text. */
export function inlineCode(markdown: string): string[] {
  return [
    ...withoutFences(markdown)
      .join("\n")
      .matchAll(/`([^`]+)`/g),
  ].map(([, code]) => code ?? "");
}

/** A line of a code block, or a piece of inline code, that has a `rexec …` command in it. */
export interface CommandLine {
  /** As it is written, up to a line's end. */
  text: string;
  /** What follows `rexec`, up to a comment, a pipe or a quoted argument. */
  words: string[];
  isInline: boolean;
  /** The `export` lines that stand before it in its block. */
  exports: string[];
}

/** Diagrams, and what `rexec up` prints of itself, are no commands. */
export function commandLines(markdown: string): CommandLine[] {
  const blocks = codeBlocks(markdown).map((block) => block.split("\n").map((line) => line.trim()));
  return [
    ...blocks.flatMap((lines) =>
      lines.flatMap((line, at) => {
        const exports = lines.slice(0, at).filter((before) => before.startsWith("export "));
        return commandLine(line, { isInline: false, exports });
      }),
    ),
    ...inlineCode(markdown).flatMap((code) => commandLine(code, { isInline: true, exports: [] })),
  ];
}

function commandLine(text: string, where: Pick<CommandLine, "isInline" | "exports">): CommandLine[] {
  const said = /(?:^|[\s|&;(])rexec ([a-z-][^|#&"]*)/.exec(text)?.[1];
  if (said === undefined || said.startsWith("serves") || /[\u2500-\u257f]/.test(text)) return [];
  return [{ text, words: said.split(/\s+/).filter((word) => word !== "" && word !== "…"), ...where }];
}

/** Every line, those within code blocks emptied. */
function withoutFences(markdown: string): string[] {
  let isCode = false;
  return markdown.split("\n").map((line) => {
    const isFence = line.trimStart().startsWith("```");
    if (isFence) isCode = !isCode;
    return isFence || isCode ? "" : line;
  });
}
