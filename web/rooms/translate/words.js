// The words of the parts of the first room that come later.

/** @type {import("../../strings.js").Strings} */
export const words = {
  en: {
    othersHelp: "What the search found besides, best first. What differs from the best is marked.",
    scoreIs: "{sure}, score {score}",
    confidenceHelp:
      "The probability that the model gave each piece it wrote. Choose one to see what else it might have written there.",
    candidates: "What might have stood at piece {n}",
    candidatesHelp: "Choose one, and the translation goes on from there.",
    onlyOne: "The search found no other.",
    through: "By two models, one after the other",
    throughText:
      "No model goes this way by itself: {first} and {second} take turns, and what the first gets wrong goes into the second. Their pictures are their own.",
    throughMiddle: "In between, in {language}:",
    throughLook: "Look at {pair}",
  },
  zh: {
    othersHelp: "搜索找到的其他译文，最好的在前。与最好的不同之处有标记。",
    scoreIs: "{sure}，分数 {score}",
    confidenceHelp: "模型给每个写出的片段的概率。选一个，看看当时还有哪些选择。",
    candidates: "第 {n} 个片段处可能出现的写法",
    candidatesHelp: "选一个，译文就从那里继续。",
    onlyOne: "搜索没有找到别的译文。",
    through: "两个模型，先后接力",
    throughText: "没有模型直接翻译这个方向：{first} 和 {second} 先后接力，前一个的错误会带进后一个。它们的图各归各看。",
    throughMiddle: "中间的{language}：",
    throughLook: "看看{pair}",
  },
};
