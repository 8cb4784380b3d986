// Every word of the interface, in its languages. What the rooms other than the first need comes with them.

/** @typedef {"en" | "zh"} Language */
/** @typedef {Record<Language, Record<string, string>>} Strings */

/** @type {Strings} */
const strings = {
  en: {
    tagline: "See a Transformer translate: every word, every head, in your browser.",
    skip: "Skip to the translation",
    language: "Language of the page",
    theme: "Light or dark",
    rooms: "Rooms",
    translate: "Translate",
    inside: "Look inside",
    train: "Train",
    trainingChip: "training {share} %",
    pausedChip: "paused {share} %",
    zoo: "Zoo",
    titleTranslate: "Glossa: see a Transformer translate",
    titleInside: "Look inside a Transformer · Glossa",
    titleTrain: "Watch attention form · Glossa",
    titleZoo: "The scores of attention · Glossa",
    source: "Text to translate",
    sourceHint: "Type or paste text",
    target: "Translation",
    from: "From",
    to: "To",
    swap: "Swap languages",
    moreLanguages: "More languages…",
    languagesTitle: "Languages",
    stopFetching: "Stop fetching {pair}",
    swapNone: "There is no model from {from} to {to}",
    modelUnreachable:
      "the model could not be fetched from {host}. Your text stays: try again, or choose another language.",
    modelOffline: "this device is offline, and the model is not on it yet. Your text stays.",
    modelDamaged: "what came from {host} is no model, or a damaged one. Your text stays: try again later.",
    details: "What the engine says",
    gone: "This model is no longer kept in this browser. The menu of languages fetches it again.",
    clear: "Clear",
    copy: "Copy",
    copied: "Copied",
    copyByHand: "Press Ctrl+C",
    stop: "Stop",
    load: "Load the model, {size}",
    loadFrom: "Load the model, {size}, from {host}",
    loading: "Loading the model, {size}",
    loadingChip: "{share} %",
    examples: "Try",
    example: "Example {n}: {text}",
    characters: "{n} characters",
    pieces: "{n} pieces",
    progress: "Sentence {done} of {total}",
    progressShare: "About {share} % of it",
    failed: "That did not work: {problem}",
    retry: "Try again",
    resume: "Go on",
    private: "Translated on this device: nothing you type leaves it.",
    comma: ", ",
    working: "Working…",
    sentence: "Sentence",
    previous: "Previous sentence",
    next: "Next sentence",
    sentenceOf: "Sentence {n} of {total}",
    verySure: "very sure ({share} a piece)",
    fairlySure: "fairly sure ({share} a piece)",
    notSure: "not sure ({share} a piece)",
    sureBut: "sure, but for {n} words ({share})",
    sureButOne: "sure, but for one word ({share})",
    ofSentence: "sentence {n}: {said}",
    unsureWord: "{word}: the model is not sure of this word",
    outOfDepth: "The model is out of its depth here: do not trust this translation.",
    unsureKey: "Dotted words: the model was not sure. Click one to see what else it considered.",
    otherScript: "This looks like {language}. The model reads {source}.",
    switchTo: "Switch to {pair}",
    threads: "Which words came from which",
    threadsHint: "Point at a word. Click a word of the translation to change it.",
    threadsEmpty: "Here, threads will show which words came from which.",
    showAll: "Show all {n} words",
    alternativesAt: "Instead of “{word}”",
    candidate: "Continue with {piece}, {share}",
    endsHere: "the end",
    close: "Close",
    forced: "You chose the beginning “{text}”.",
    free: "Let the model choose",
    others: "Other translations",
    confidence: "How sure, piece by piece",
    how: "How did it do that?",
    whatIf: "What if a head fails?",
    model: "Model and engine",
    openModel: "Model and engine: {name}",
    share: "Share",
    shareHelp: "This address leads back to what you see now.",
    shareLanguage: "in this language of the page",
    shareLong: "The text is too long for an address and is left out.",
    address: "Address",
    about: "About",
    sourceCode: "Glossa: the code and its documentation are in the npm package, MIT",
    sourceLink: "source",
    licences: "licences of what is in the page",
    licenceOf: "model: {licence}",
    offline: "works offline",
    onDevice: "on your device",
    embedTitle: "Use it in your page",
    embedText: "The engine and the small API on it are one package without dependencies:",
    limitsTitle: "What it cannot do",
    limitsText:
      "These are small models, trained for short everyday sentences. Names, news and long texts often go wrong, and nothing here is a professional translation.",
    table: "Table",
    hideTable: "Hide the table",
    export: "Export as",
    figureMenu: "Save, or see as a table: {what}",
  },
  zh: {
    tagline: "看 Transformer 如何翻译：每个词、每个注意力头，都在你的浏览器里",
    skip: "跳到译文",
    language: "界面语言",
    theme: "浅色或深色",
    rooms: "房间",
    translate: "翻译",
    inside: "看里面",
    train: "训练",
    trainingChip: "训练中 {share} %",
    pausedChip: "已暂停 {share} %",
    zoo: "图鉴",
    titleTranslate: "Glossa：看 Transformer 如何翻译",
    titleInside: "看 Transformer 里面 · Glossa",
    titleTrain: "看注意力如何形成 · Glossa",
    titleZoo: "注意力的打分方式 · Glossa",
    source: "原文",
    sourceHint: "输入或粘贴文字",
    target: "译文",
    from: "从",
    to: "到",
    swap: "交换语言",
    moreLanguages: "更多语言……",
    languagesTitle: "语言",
    stopFetching: "停止下载{pair}",
    swapNone: "没有从{from}到{to}的模型",
    modelUnreachable: "无法从 {host} 取得模型。您的文字还在：请重试，或选择其他语言。",
    modelOffline: "设备没有联网，而模型还不在本机。您的文字还在。",
    modelDamaged: "从 {host} 收到的不是模型，或已损坏。您的文字还在：请稍后再试。",
    details: "引擎给出的说明",
    gone: "这个浏览器里已经没有这个模型了。可以在语言菜单里重新下载。",
    clear: "清空",
    copy: "复制",
    copied: "已复制",
    copyByHand: "请按 Ctrl+C",
    stop: "停止",
    load: "加载模型（{size}）",
    loadFrom: "从 {host} 加载模型（{size}）",
    loading: "正在加载模型（{size}）",
    loadingChip: "{share} %",
    examples: "试试",
    example: "例句 {n}：{text}",
    characters: "{n} 个字符",
    pieces: "{n} 个片段",
    progress: "第 {done} 句，共 {total} 句",
    progressShare: "约 {share} %",
    failed: "未能完成：{problem}",
    retry: "重试",
    resume: "继续",
    private: "翻译在本机进行：您输入的内容不会离开这台设备。",
    comma: "，",
    working: "处理中……",
    sentence: "句子",
    previous: "上一句",
    next: "下一句",
    sentenceOf: "第 {n} 句，共 {total} 句",
    verySure: "很有把握（每个片段 {share}）",
    fairlySure: "较有把握（每个片段 {share}）",
    notSure: "没有把握（每个片段 {share}）",
    sureBut: "除 {n} 个词外有把握（{share}）",
    sureButOne: "除一个词外有把握（{share}）",
    ofSentence: "第 {n} 句：{said}",
    unsureWord: "{word}：模型对这个词没有把握",
    outOfDepth: "这句话超出了模型的能力：请勿相信这个译文。",
    unsureKey: "带点线的词：模型没有把握。点击可看到它考虑过的其他写法。",
    otherScript: "这看起来是{language}，而模型读的是{source}。",
    switchTo: "切换到{pair}",
    threads: "哪些词来自哪些词",
    threadsHint: "指向一个词。点击译文中的词即可更换。",
    threadsEmpty: "这里将用连线显示哪些词来自哪些词。",
    showAll: "显示全部 {n} 个词",
    alternativesAt: "代替“{word}”",
    candidate: "接着写 {piece}，{share}",
    endsHere: "结束",
    close: "关闭",
    forced: "开头“{text}”是您选的。",
    free: "让模型自己选",
    others: "其他译文",
    confidence: "逐个片段的把握",
    how: "它是怎样做到的？",
    whatIf: "如果一个头失灵呢？",
    model: "模型与引擎",
    openModel: "模型与引擎：{name}",
    share: "分享",
    shareHelp: "用这个地址可以回到您现在看到的内容。",
    shareLanguage: "使用当前界面语言",
    shareLong: "文字太长，地址中不包含它。",
    address: "地址",
    about: "关于",
    sourceCode: "Glossa：代码与文档在 npm 包中，MIT 许可",
    sourceLink: "源代码",
    licences: "页面所含软件的许可",
    licenceOf: "模型许可：{licence}",
    offline: "可离线使用",
    onDevice: "在您的设备上",
    embedTitle: "用在您的网页里",
    embedText: "引擎和它的小巧接口是一个没有依赖的包：",
    limitsTitle: "它做不到什么",
    limitsText: "这些是小模型，为日常短句训练。人名、新闻和长文常常出错；这里的译文都不是专业翻译。",
    table: "表格",
    hideTable: "隐藏表格",
    export: "导出为",
    figureMenu: "保存或以表格查看：{what}",
  },
};

/** @typedef {(key: string, values?: Record<string, string | number>) => string} Say */

/**
 * More words, of a room that has come.
 * @param {Strings} more
 */
export function learn(more) {
  Object.assign(strings.en, more.en);
  Object.assign(strings.zh, more.zh);
}

/**
 * @param {Language} language
 * @returns {Say}
 */
export function speak(language) {
  return (key, values = {}) => {
    const text = strings[language][key] ?? strings.en[key];
    if (text === undefined) throw new RangeError(`no string "${key}"`);
    return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  };
}

/** For the test that both languages say everything. */
export const allStrings = strings;

/** @param {number} bytes @param {Language} language */
export function size(bytes, language) {
  const format = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
  return bytes >= 1e6 ? `${format.format(bytes / 1e6)} MB` : `${format.format(bytes / 1e3)} kB`;
}

/** A probability for people. @param {number} logProbability */
export const percent = (logProbability) => {
  const value = Math.exp(logProbability) * 100;
  if (value < 0.05) return "< 0.1 %";
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
};

/** A number with a true minus sign, and no minus before a zero. @param {number} value @param {number} [digits] */
export function signed(value, digits = 3) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}
