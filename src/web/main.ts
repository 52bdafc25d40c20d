// The page's beginning.

document.body.append("rexec");
