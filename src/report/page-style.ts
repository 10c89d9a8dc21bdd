/** The page's style sheet: one for light and dark, as the reader's system has it. */
export const pageStyle = `
:root { color-scheme: light dark;
  --paper: #ffffff; --card: #f6f7f9; --ink: #1b1f24; --soft: #5b6470; --rule: #dfe3e8; --grid: #e6e9ed;
  --c0: #1f6feb; --c1: #d9620b; --c2: #15803d; --c3: #8b3fc7; --c4: #c72c41; --c5: #0b8293; --c6: #8a6d00; --c7: #5f6b7a; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #0f1318; --card: #181e26; --ink: #e6eaef; --soft: #9aa5b1; --rule: #2c3540; --grid: #28303a;
  --c0: #6ea8ff; --c1: #ff9d52; --c2: #4cc47c; --c3: #c291f5; --c4: #ff7d8c; --c5: #3fc6d8; --c6: #dcbc4a; --c7: #a9b4c1; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 32px 24px 56px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 40px 0 4px; }
p { margin: 4px 0; } .soft { color: var(--soft); overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; margin: 24px 0 0; }
.tile { background: var(--card); border-radius: 10px; padding: 14px 16px; }
.tile b { display: block; font-size: 24px; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tile small { display: block; color: var(--soft); font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; margin-top: 12px; }
figure { display: flex; flex-direction: column; margin: 0; background: var(--card); border-radius: 10px; padding: 14px 14px 6px; }
figcaption { font-weight: 600; } figcaption::first-letter, .tile small:first-child::first-letter { text-transform: uppercase; }
svg { display: block; width: 100%; height: auto; margin-top: auto; padding-top: 4px; overflow: visible; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; padding: 0; margin: 4px 0 0; font-size: 13px; color: var(--soft); }
.legend i { display: inline-block; width: 20px; height: 0; border-top: 2.5px solid; margin-right: 6px; vertical-align: middle; }
.legend i.dashed { border-top-style: dashed; }
.grid { stroke: var(--grid); fill: none; } .tick, .axis { fill: var(--soft); font-size: 11px; } .axis { font-size: 12px; }
.line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; } .line.dashed { stroke-dasharray: 5 4; }
.dot { fill: currentColor; stroke: var(--card); stroke-width: 1.5; } .mark { fill: var(--ink); font-size: 11.5px; font-weight: 600; stroke: var(--card); stroke-width: 3; paint-order: stroke; }
${Array.from({ length: 8 }, (_, i) => `.s${i} { color: var(--c${i}); }`).join(" ")}
.wide { overflow-x: auto; margin-top: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; white-space: nowrap; }
th { text-align: right; font-weight: 500; color: var(--soft); white-space: normal; vertical-align: bottom; } td { text-align: right; }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { padding-left: 0; text-align: left; } th:last-child, td:last-child { padding-right: 0; }
table.two th:nth-child(2), table.two td:nth-child(2) { text-align: left; }
tr.more td { border-bottom-color: transparent; }
table.pairs { width: auto; white-space: normal; } table.pairs td { text-align: left; overflow-wrap: anywhere; } table.pairs td:first-child { color: var(--soft); white-space: nowrap; }
ul.remarks { padding-left: 20px; margin: 8px 0 0; overflow-wrap: anywhere; }
dl { margin: 8px 0 0; display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; font-size: 13.5px; }
dt { color: var(--soft); } dd { margin: 0; }
@media (max-width: 560px) { main { padding: 20px 14px 40px; } dl { grid-template-columns: 1fr; } dd { margin-bottom: 6px; } }
@media print { figure, .tile { break-inside: avoid; } }
`;
