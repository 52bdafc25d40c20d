// A full-screen program as vim is one, of the tests' own: the alternate screen, colours everywhere, a scroll region, a
// hidden cursor, mouse reports and bracketed paste. It draws anew with every change of the window; "q" ends it.

const { stdin, stdout } = process;

function draw() {
  const { columns, rows } = stdout;
  let text = "\x1b[H";
  for (let row = 0; row < rows; row++)
    text += `\x1b[${row + 1};1H\x1b[${41 + (row % 6)};1;4m${`line ${row} of ${columns}x${rows} `.padEnd(columns, "#")}`;
  stdout.write(text);
}

stdin.setRawMode(true);
stdout.write("\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[?1h\x1b=\x1b[5;10r\x1b(0\x1b(B");
draw();
stdout.on("resize", draw);
stdin.on("data", (bytes) => {
  if (!bytes.includes("q")) return;
  stdout.write("\x1b[r\x1b[?1l\x1b>\x1b[?2004l\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[0m\x1b[?1049l");
  process.exit(0);
});
