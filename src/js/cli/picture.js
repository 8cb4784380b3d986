// An attention picture as SVG: the head that aligns words large, every head of every layer small beneath it.

import { alignmentWeights } from "../alignment.js";

/** @typedef {import("../types.js").SentenceExplanation} SentenceExplanation */

const CELL = 26;
const SMALL = 6;
const GAP = 14;

/** @param {string} text */
function escapeXML(text) {
  return text
    .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "\ufffd");
}

/** @param {import("../types.js").Token} token */
export const label = (token) => token.piece.replaceAll("\u2581", "\u00b7") || token.text;

/**
 * White to dark blue.
 * @param {number} weight 0 to 1
 */
function colour(weight) {
  const w = Math.min(1, Math.max(0, weight));
  const mix = (/** @type {number} */ from, /** @type {number} */ to) => Math.round(from + (to - from) * w);
  return `rgb(${mix(247, 8)},${mix(251, 48)},${mix(255, 107)})`;
}

/**
 * @param {ArrayLike<number>} weights (rows, cols)
 * @param {number} rows
 * @param {number} cols
 * @param {number} x
 * @param {number} y
 * @param {number} cell
 * @param {(row: number, col: number, weight: number) => string} [title]
 */
function heatmap(weights, rows, cols, x, y, cell, title) {
  let out = `<rect x="${x}" y="${y}" width="${cols * cell}" height="${rows * cell}" fill="${colour(0)}" stroke="#999"/>`;
  for (let row = 0; row < rows; row++)
    for (let col = 0; col < cols; col++) {
      const weight = weights[row * cols + col];
      if (weight < 0.004 && !title) continue;
      const text = title ? `<title>${escapeXML(title(row, col, weight))}</title>` : "";
      out += `<rect x="${x + col * cell}" y="${y + row * cell}" width="${cell}" height="${cell}" fill="${colour(weight)}">${text}</rect>`;
    }
  return out;
}

/**
 * @param {SentenceExplanation} sentence
 * @param {[number, number] | null} head the cross-attention head that aligns words
 * @returns {string} a complete SVG document
 */
export function drawSentence(sentence, head) {
  const { cross, sourceTokens, targetTokens } = sentence;
  const { layers, heads, rows, cols, data } = cross;
  const widest = (/** @type {import("../types.js").Token[]} */ tokens) =>
    Math.max(...tokens.map((token) => label(token).length)) * 9 + 16;
  const left = widest(targetTokens);
  const top = 34 + widest(sourceTokens) * 0.75;
  const large = alignmentWeights({ data, layers, heads, targets: rows, sources: cols }, head);
  const smallTop = top + rows * CELL + 44;
  const smallLeft = 70;
  const heading = `${sentence.source} → ${sentence.translation}`;
  const name = head ? `layer ${head[0] + 1}, head ${head[1] + 1}` : "the mean of all heads";
  const caption = `Cross-attention: above ${name}; below every layer (rows) and head (columns).`;
  const width = Math.max(
    left + cols * CELL + widest(sourceTokens) * 0.6,
    smallLeft + heads * (cols * SMALL + GAP),
    16 + heading.length * 8,
    16 + caption.length * 7,
  );
  const height = smallTop + layers * (rows * SMALL + GAP) + 10;

  let body = `<text x="8" y="20" font-weight="bold">${escapeXML(heading)}</text>`;
  for (const [col, token] of sourceTokens.entries()) {
    const x = left + col * CELL + CELL / 2;
    body += `<text transform="translate(${x} ${top - 6}) rotate(-50)">${escapeXML(label(token))}</text>`;
  }
  for (const [row, token] of targetTokens.entries())
    body += `<text x="${left - 6}" y="${top + row * CELL + CELL * 0.66}" text-anchor="end">${escapeXML(label(token))}</text>`;
  body += heatmap(large, rows, cols, left, top, CELL, (row, col, weight) => {
    const target = targetTokens[row];
    const probability = (100 * Math.exp(target.logProbability)).toFixed(1);
    return `${label(target)} (${probability} %) ← ${label(sourceTokens[col])}: ${weight.toFixed(3)}`;
  });
  body += `<text x="8" y="${smallTop - 22}">${caption}</text>`;
  for (let layer = 0; layer < layers; layer++) {
    const y = smallTop + layer * (rows * SMALL + GAP);
    body += `<text x="8" y="${y + 12}">layer ${layer + 1}</text>`;
    for (let h = 0; h < heads; h++) {
      const at = (layer * heads + h) * rows * cols;
      body += heatmap(data.subarray(at, at + rows * cols), rows, cols, smallLeft + h * (cols * SMALL + GAP), y, SMALL);
    }
  }
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="sans-serif" font-size="13" role="img"><title>${escapeXML(
    `Attention of "${sentence.translation}" to "${sentence.source}"`,
  )}</title><rect width="100%" height="100%" fill="#fff"/>${body}</svg>\n`;
}

/**
 * A page that needs nothing beside itself: a picture and the candidates of each step, for each sentence and model.
 * @param {import("../types.js").Explanation} explanation
 * @param {import("../types.js").ModelInfo[]} models one, or one for each stage
 */
export function drawPage(explanation, models) {
  const stages = explanation.stages.length ? explanation.stages : [explanation];
  const drawn = stages.flatMap(({ sentences }, i) => sentences.map((sentence) => ({ sentence, model: models[i] })));
  const sections = drawn.map(({ sentence, model: { alignmentHead, targetLanguage } }) => {
    const rows = sentence.targetTokens.map((token, t) => {
      const others = sentence.topK[t]
        .map(
          (c) =>
            `${escapeXML(c.piece.replaceAll("\u2581", "\u00b7"))} ${(100 * Math.exp(c.logProbability)).toFixed(1)} %`,
        )
        .join(", ");
      return `<tr><th scope="row">${escapeXML(label(token))}</th><td>${(100 * Math.exp(token.logProbability)).toFixed(1)} %</td><td>${others}</td></tr>`;
    });
    const hypotheses = sentence.hypotheses.map(
      (h) => `<li><span lang="${escapeXML(targetLanguage)}">${escapeXML(h.text)}</span> (${h.score.toFixed(3)})</li>`,
    );
    return `<section>${drawSentence(sentence, alignmentHead)}<h2>Hypotheses</h2><ol>${hypotheses.join("")}</ol><h2>Steps</h2><table><thead><tr><th scope="col">token</th><th scope="col">probability</th><th scope="col">candidates</th></tr></thead><tbody>${rows.join("")}</tbody></table></section>`;
  });
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeXML(explanation.translation)}</title>
<style>body{font:15px/1.5 sans-serif;margin:2rem}section{margin-bottom:3rem;overflow-x:auto}th,td{text-align:left;padding:.1rem 1rem .1rem 0}</style>
<h1>${escapeXML(explanation.translation)}</h1><p>${escapeXML(explanation.source)}</p>
${sections.join("\n")}
</html>
`;
}
