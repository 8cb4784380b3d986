// Written by .ci/text-rules.js from languages/*.json and patterns.json: change those.

/** @type {import("./use.js").TextRules} */
export const RULES = {
  languages: [
    {
      languages: ["cs"],
      abbreviations:
        "arch bc csc ca cca čj doc dr gen hl ing judr kpt kard mgr mjr mudr např nám odd por plk pplk ppor phdr ph.d popř pozn prof prap příp resp rndr rtm sv srov st tel tj tř tzn tzv ul ur vs zejm zn závod",
      beforeNumber: "č čl str s obr odst kap sv",
      mayEnd: "atd apod aj r n.l př.n.l mil mld tis hod min max kč ml jr kol",
      ordinals: true,
    },
    {
      languages: ["da"],
      abbreviations:
        "adj adr afd afs ang bl.a ca cand cirka d dvs dr eks ekskl evt f.eks f.x fx fhv frk gdr gl hhv hr iflg inkl ing jf jfr jvf kgl kl konst lic mag maks med mfl m.fl mht min.s nr o.a p.g.a pga pr prof red ref resp sct sen sml st stk tlf udg vedr vol vs p.t d.v.s",
      beforeNumber: "s kap art fig stk",
      mayEnd: "etc mv m.v osv o.s.v m.m m.fl f.kr e.kr aps jr mill mia min kr tusind",
      ordinals: true,
    },
    {
      languages: ["de"],
      abbreviations:
        "abb abs abt allg bd bzgl bzw ca d.h d.i dgl dipl dr ebd evtl fr frl gem geb gegr gest ggf hl hr hrn hrsg i.a i.d.r i.v inkl exkl ing insb jhd kath med n.n nr o.a o.g phil prof rd rer röm s s.a s.o s.u sog st stellv tel u.a u.u u.v.a v.a vgl vorm vs wg z.b z.t zit zzgl zzt gen co art kap ziff hbf",
      mayEnd:
        "etc usw u.ä o.ä u.s.w v.chr n.chr min max mind mio mrd str jan feb apr aug sept okt nov dez jh jr sen jun",
      ordinals: true,
    },
    {
      languages: ["en"],
      abbreviations:
        "mr mrs ms mx dr prof st ft mt rev fr hon gen col capt cpt cmdr lt maj sgt cpl pvt adm gov sen rep pres supt messrs msgr v vs cf viz i.e e.g e.g. approx est dept univ assn esp resp incl excl ref ext vols",
      beforeNumber: "no nos p pp fig figs eq eqs sec ch chap vol art par col pt nr op",
      mayEnd: "co corp inc ltd llc jr sr etc bros ave blvd rd al jan feb mar apr jun jul aug sep sept oct nov dec ph.d",
      starters:
        "A After All Also An And As At Because Before But By For From He Her His How However I If In It Its Many My No Not On Or Our She So Some That The Their Then There These They This Those To Was We What When Where Which While Who Why With You Your",
    },
    {
      languages: ["es"],
      abbreviations:
        "sr sra sres srta d dña dr dra dres prof profa lic ing arq gral cnel sgto ud uds vd vds avda p.ej ej aprox cf dpto depto máx mín tel tfno vs ee st",
      beforeNumber: "núm nro n no pág págs p pp art fig vol cap col",
      mayEnd: "etc ee.uu uu s.a a.c d.c jr c.v",
    },
    {
      languages: ["fi"],
      abbreviations:
        "dos esim fil ed ent eli engl huom ilm jälk k.o kirj ko klo ks kts lk lkm lyh maist mm mrs ms n nim nk no noin nro ns ym.s os p par per pj prof puh pvm ruots s siv so synt tod toim tri ts tv toht v vas vert vm vrt vs",
      mayEnd: "jne ym yms tms jms mr eaa jaa ekr jkr milj mrd min kpl eur",
      ordinals: true,
    },
    {
      languages: ["fr"],
      abbreviations:
        "m mm mme mmes mlle mlles me mgr dr pr st ste cf p.ex c.-à-d vs ed éd env fig réf resp tél ft gén col cdt cap lt sgt maj prof hab",
      beforeNumber: "p pp n no nos art chap vol t",
      mayEnd: "etc janv févr avr juil sept oct nov déc av.j.-c ap.j.-c jr min max bd av",
    },
    {
      languages: ["it"],
      abbreviations:
        "sig sigg sig.ra sig.na sig.re sigg.re dott dott.ssa dr prof prof.ssa avv ing arch geom rag on sen gen col cap ten mons s ss p.es es cfr all ca st",
      beforeNumber: "n nr num pag pagg p pp art artt fig cap vol",
      mayEnd: "ecc etc s.p.a s.r.l a.c d.c jr tel min max",
    },
    {
      languages: ["ja"],
      unspaced: true,
      abbreviations: "mr mrs ms dr prof st jr sr no vol vs inc co ltd corp",
      whole: "「」『』",
      goesOn: "[とってのをはがにもでへやか]",
    },
    {
      languages: ["nl"],
      abbreviations:
        "dhr mevr mej mw dr drs ir ing mr prof ds st bijv bv d.w.z o.a i.p.v m.b.t m.b.v t.a.v t.o.v t.g.v n.a.v i.v.m o.l.v a.h.w evt excl incl gem jhr lt kol gen max.5 resp vgl zgn z.g.n vs ca jl tel",
      beforeNumber: "nr nrs p pp pag blz art fig vol hst bd",
      mayEnd: "enz etc e.d e.a n.chr v.chr jr sr min max str",
    },
    {
      languages: ["pl"],
      abbreviations:
        "al bp dr dyr gen gmin godz hab im inż jw kard kpt ks lek m.in mgr mjr np nr o.o ob odc os pkt pl płk pn por prof przyp pt red rys św sp st str tab tel tj tzn tzw ul ur wg woj zob zm płd zach wsch pow ppłk ppor sierż żyd ang niem łac fr ros",
      beforeNumber: "s t r nr art poz ust",
      mayEnd: "itd itp r w n.e p.n.e tys mln mld zł gr jr min max m cm km kg",
      ordinals: true,
    },
    {
      languages: ["pt"],
      abbreviations:
        "sr sra srs sras srta d dr dra drs prof profa eng arq gen cel cap sgt p.ex ex aprox vs st av exmo exma tel",
      beforeNumber: "núm n no pág págs p pp art fig vol cap r",
      mayEnd: "etc ltda s.a a.c d.c jr cia",
    },
    {
      languages: ["ru"],
      abbreviations:
        "им ул д кв стр т.е т.к т.п.н т.н т.наз и.о до.н проф акад доц др. см ср рис табл гл пп ред изд напр св о обл р-н пер пл просп тел пр.к г-н г-жа гг. ген полк лейт кап чл корр дер пос оз ст инж мл г.о",
      beforeNumber: "с п ч т № кн вып",
      mayEnd: "г гг в вв т.д т.п др пр н.э до.н.э руб коп тыс млн млрд чел мин макс долл ч",
    },
    {
      languages: ["zh", "lzh", "yue"],
      unspaced: true,
      abbreviations: "mr mrs ms dr prof st jr sr no vol vs inc co ltd corp",
    },
  ],
  patterns: {
    urls: [
      "\\b(?:(?:[Hh][Tt][Tt][Pp][Ss]?|[Ff][Tt][Pp]|[Ff][Ii][Ll][Ee])://|[Ww][Ww][Ww]\\.)(?:(?![\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Thai}\\u2010-\\u206f\\u3000-\\u303f\\uff00-\\uffef])[^\\s<>\"'`«»\\\\^{|}])+",
      "(?<![A-Za-z0-9@._/-])(?:[a-z0-9][a-z0-9-]{0,62}\\.){1,8}(?:com|org|net|edu|gov|int|info|biz|dev|app|io|ai|co|tv|eu|uk|de|at|ch|fr|es|pt|pl|cz|dk|fi|nl|se|ru|ua|cn|jp|kr|tw|hk|br|mx|au|ca|nz|(?:[a-z]{2}(?=/)))(?![A-Za-z0-9@-]|\\.[A-Za-z0-9])(?::\\d{1,5})?(?:[/?#](?:(?![\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Thai}\\u2010-\\u206f\\u3000-\\u303f\\uff00-\\uffef])[^\\s<>\"'`«»\\\\^{|}])*)?",
    ],
    emails: [
      "(?<![\\p{Script=Latin}\\p{Script=Cyrillic}\\p{Nd}._%+-])[\\p{Script=Latin}\\p{Script=Cyrillic}\\p{Nd}._%+-]{1,64}@(?:[\\p{Script=Latin}\\p{Script=Cyrillic}\\p{Nd}-]{1,63}\\.){1,8}[\\p{Script=Latin}\\p{Script=Cyrillic}]{2,24}(?![\\p{Nd}-])",
    ],
    phones: [
      "(?<![\\p{L}\\p{N}+])\\+(?:[ ./()-]{0,2}\\d){7,15}(?!\\d)",
      "(?<![\\p{L}\\p{N}])\\(\\d{2,5}\\)[ -]?\\d{2,5}(?:[ -]\\d{2,5}){0,3}(?!\\d)",
      "(?<![\\p{N}.,/-])(?:0\\d{1,5}[ /-]\\d{2,9}(?:[ -]\\d{2,5}){0,3}|\\d{3}-\\d{3}-\\d{4}|1\\d{2}[ -]?\\d{4}[ -]?\\d{4})(?![\\d/.-]*\\d)",
    ],
    placeholders: [
      "%(?:%|(?:\\d{1,2}\\$)?[-+0#']{0,4}(?:\\*|\\d{1,4})?(?:\\.(?:\\*|\\d{1,4})?)?(?:hh?|ll?|[jztLq]|I(?:64|32))?[diouxXeEfFgGaAcCsSpn@])(?<!\\d[ \\u00a0]?%\\p{Ll}(?=\\p{Ll}))(?<!\\d%\\p{Ll})",
      "(?<![\\d%])%-?[A-Za-z](?!\\p{L})",
      "(?<![\\d%])%L?\\d{1,2}(?!\\d)",
      "%%[0-9A-F]{2}|%%\\([\\w:=.,*-]{1,64}\\)|(?<![\\p{L}\\d.,])0%o(?!\\p{L})",
      "(?<!(?<!%)%)%\\([^()\\n]{1,64}\\)(?:[-+0#]{0,4}\\d{0,4}(?:\\.\\d{1,4})?[diouxXeEfFgGcrsa]| [+0#-]{0,4}\\d{0,4}(?:\\.\\d{1,4})?[diouxXeEfFgG](?!\\p{L}))",
      "%\\{[^{}\\n]{1,64}\\}|%<\\w{1,64}>[-+ 0#]{0,4}\\d{0,4}(?:\\.\\d{1,4})?[a-zA-Z]|%[A-Z_][A-Z0-9_]{1,40}%",
      "[$#@]\\{[^{}\\n]{0,200}\\}",
      "\\{\\{\\{?[^{}\\n]{0,200}\\}?\\}\\}",
      "\\{%[^\\n]{0,200}?%\\}|\\{#[^\\n]{0,200}?#\\}|<%[^\\n]{0,200}?%>|<\\?[^\\n]{0,200}?\\?>",
      "\\{ ?[\\p{L}\\p{N}_.'\"\\[\\]-]{0,64}(?:![rsa])?(?::[^{}\\n]{0,40})? ?\\}",
      "\\{\\s{0,4}[\\p{L}\\p{N}_.-]{1,64}\\s{0,4},\\s{0,4}[a-z]{1,16}\\s{0,4}(?:,[^{}\\n]{0,80})?\\}",
      "\\[\\[[^\\[\\]\\n]{1,80}\\]\\]|(?<!\\w)__[A-Za-z][A-Za-z0-9_]{0,60}?__(?!\\w)",
      "\\$t\\([^()\\n]{1,120}\\)|(?<!\\w)@(?:\\.[a-z]{1,20})?:(?:\\([^()\\n]{1,80}\\)|[A-Za-z](?:[\\w.]{0,80}\\w)?)",
      "(?<![^\\s(\"'>]):[a-z][A-Za-z0-9_]{0,40}:?",
      "\\$\\d(?![\\d.,])|\\$[A-Z][A-Z0-9_]{1,40}\\$|\\$[A-Za-z_]\\w{1,40}",
      "\\\\[nrtfbv0\"'](?!\\p{Ll})",
      "&(?:[A-Za-z]{2,10}|#\\d{1,7}|#[xX][\\dA-Fa-f]{1,6});",
    ],
    tags: ["</?[A-Za-z0-9][\\w:.-]{0,40}(?:\\s[^<>\\n]{0,200}=[^<>\\n]{0,200})?\\s?/?>"],
    numbers: ["\\p{N}+(?:[.,:/-]\\p{N}+)*"],
    signs: [
      "(?:\\p{RI}\\p{RI}|(?![\\0-\\x7f])[\\p{S}\\p{ExtPict}](?:\\ufe0f|\\u20e3|\\p{EMod}|\\u200d\\p{ExtPict}|[\\u{e0020}-\\u{e007f}])*)+",
    ],
  },
};
