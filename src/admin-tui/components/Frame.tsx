// Lines of spans as Ink draws them.

import { Box, Text } from "ink";
import { memo } from "react";
import { type Line, lookOf } from "../theme/styles.ts";

interface FrameProps {
  lines: readonly Line[];
  hasColor: boolean;
}

export function Frame({ lines, hasColor }: FrameProps) {
  return (
    <Box flexDirection="column">
      {lines.map((line, i) => (
        // A line is its place on the screen: it has no other identity.
        <FrameLine key={i} line={line} hasColor={hasColor} />
      ))}
    </Box>
  );
}

const FrameLine = memo(
  function FrameLine({ line, hasColor }: { line: Line; hasColor: boolean }) {
    return (
      <Text wrap="truncate">
        {merged(line).map(({ text, style }, i) => (
          <Text key={i} {...lookOf(style ?? "plain", hasColor)}>
            {text}
          </Text>
        ))}
      </Text>
    );
  },
  (before, after) => before.hasColor === after.hasColor && isSame(before.line, after.line),
);

function isSame(a: Line, b: Line): boolean {
  return a.length === b.length && a.every(({ text, style }, i) => text === b[i]?.text && style === b[i]?.style);
}

/** Neighbours of one style are one piece: less for Ink to lay out. */
function merged(line: Line): Line {
  const pieces: { text: string; style: Line[number]["style"] }[] = [];
  for (const { text, style } of line) {
    const last = pieces.at(-1);
    if (last !== undefined && last.style === style) last.text += text;
    else pieces.push({ text, style });
  }
  return pieces;
}
