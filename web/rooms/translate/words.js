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
  },
  zh: {
    othersHelp: "搜索找到的其他译文，最好的在前。与最好的不同之处有标记。",
    scoreIs: "{sure}，分数 {score}",
    confidenceHelp: "模型给每个写出的片段的概率。选一个，看看当时还有哪些选择。",
    candidates: "第 {n} 个片段处可能出现的写法",
    candidatesHelp: "选一个，译文就从那里继续。",
    onlyOne: "搜索没有找到别的译文。",
  },
};
