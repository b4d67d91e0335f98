/** The page's look: light and dark by what the reader's system prefers, nothing from elsewhere. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --faint: #667; --rule: #d8dde3; --band: #eef3f8; --good: #14703c; --bad: #b3261e;
  --line-0: #0b62c4; --line-1: #c4510b; --line-2: #14803c; --line-3: #8a2bb8; --line-4: #b01e55; --line-5: #7a6200; --line-6: #008080; --line-7: #555; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e4e8ec; --faint: #98a2ad; --rule: #2d343c; --band: #1d242c; --good: #5ccf8a; --bad: #ff8a80;
  --line-0: #6fb1ff; --line-1: #ff9f5a; --line-2: #5ccf8a; --line-3: #cf8cf0; --line-4: #ff7fae; --line-5: #e0c24a; --line-6: #4fd1c5; --line-7: #aab; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 24px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 4px; } h2 { font-size: 1.15rem; margin: 36px 0 8px; border-top: 1px solid var(--rule); padding-top: 20px; } h2 small, figcaption small { font-weight: normal; color: var(--faint); }
a { color: var(--line-0); } p { margin: 4px 0; } code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; margin: 12px 0; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 12px 3px 0; text-align: left; border-bottom: 1px solid var(--rule); vertical-align: top; } td.figure, th.figure { text-align: right; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .faint { color: var(--faint); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; }
figure { margin: 0; } figcaption { font-weight: 600; } svg { width: 100%; height: auto; } .legend svg { width: 18px; height: 8px; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .grid { stroke: var(--rule); stroke-width: 1; } .band { fill: var(--band); }
.mark, .label { fill: var(--faint); font-size: 11px; } .bar { fill: var(--line-0); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; list-style: none; margin: 2px 0 0; padding: 0; font-size: 13px; } .legend li { display: flex; align-items: center; gap: 6px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 16px; margin: 8px 0; } dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
details { margin: 12px 0; } pre { overflow: auto; max-height: 480px; background: var(--band); padding: 12px; font: 12px/1.4 ui-monospace, monospace; }
`;
