// How Sphinx's search orders what it finds. A page that is about what is asked for comes first: by itself, Sphinx counts a
// heading anywhere in a page as much as the page's own title, and the longest pages have headings about everything.
var Scorer = {
  score: ([page, title, anchor, _description, score]) => {
    const asked = new URLSearchParams(window.location.search).get("q") || "";
    const words = asked.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
    const isAbout = words.every((word) => title.toLowerCase().includes(word.replace(/s$/, "")));
    if (isAbout) return score + (anchor ? 0 : 10);
    return ["index", "changelog", "explanation/decisions", "reference/commands"].includes(page) ? score - 5 : score;
  },
  // These are Sphinx's own.
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
