/** How the page looks, light and dark. A colour for each kind of frame. */
export const FLAME_STYLE = `
:root { color-scheme: light dark; --ground: #fff; --text: #1c2127; --faint: #68737f; --line: #d6dbe0; --mark: #c026d3;
  --broker: #f4a261; --actors: #e9c46a; --native-free-io: #8ecae6; --dependency: #b7b7a4; --node: #a3b18a; --native: #cdb4db;
  --collector: #e76f51; --idle: #e9ecef; --more: #e5383b; --less: #3a86ff; --same: #e4e4e4; --ink: #1c2127; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --text: #e6e9ec; --faint: #93a0ad; --line: #333a42; --mark: #f0abfc;
  --broker: #c77b3b; --actors: #b08d2e; --native-free-io: #3f88a8; --dependency: #77776a; --node: #66774b; --native: #7d5f92;
  --collector: #b8452a; --idle: #2a3037; --same: #3a4048; --ink: #f2f4f6; } }
body { margin: 0 auto; padding: 1rem 1.25rem 3rem; max-width: 1600px; background: var(--ground); color: var(--text);
  font: 14px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.25rem; margin: 0; } h2 { font-size: 1rem; margin: 1.25rem 0 .35rem; } h2 small, .about { color: var(--faint); font-weight: normal; }
.tools { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; padding: .5rem 0; background: var(--ground); }
.tools input[type=search] { min-width: 16rem; } .key span { display: inline-block; padding: 0 .4rem; margin-right: .25rem; border-radius: 3px; color: var(--ink); }
.graph { position: relative; overflow: hidden; }
.frame { position: absolute; height: 17px; box-sizing: border-box; overflow: hidden; white-space: nowrap; padding: 0 3px; cursor: pointer;
  font: 11px/17px ui-monospace, monospace; color: var(--ink); border-right: 1px solid var(--ground); border-radius: 2px; }
.frame:hover { filter: brightness(1.12); } .ancestor { opacity: .55; } .match { outline: 2px solid var(--mark); outline-offset: -2px; }
#status { position: fixed; left: 0; right: 0; bottom: 0; min-height: 1.5rem; padding: .3rem 1.25rem; background: var(--ground);
  border-top: 1px solid var(--line); font: 12px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .15rem .9rem .15rem 0; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; } td { font: 12px/1.5 ui-monospace, monospace; }
.scroll { overflow-x: auto; }
${['broker', 'actors', 'native-free-io', 'dependency', 'node', 'native', 'collector', 'idle'].map((kind) => `.${kind} { background: var(--${kind}); }`).join('\n')}
`;
