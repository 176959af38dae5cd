'use strict';
// Makes elements. Text is only ever set as text, so nothing in a spec becomes markup.

const SVG = 'http://www.w3.org/2000/svg';
const byId = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element of HTML: its name, attributes (`onclick` and the like are listeners), children. */
const h = (name, attributes, ...children) =>
  fill(document.createElement(name), attributes, children);

/** An element of SVG. */
const s = (name, attributes, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

/** Says something to those who hear the page. */
function say(words) {
  byId('said').textContent = words;
}

/** Moves a scrolling element so that one inside it can be seen, and nothing else. */
function reveal(element, within) {
  const [inner, outer] = [element.getBoundingClientRect(), within.getBoundingClientRect()];
  const head = within.querySelector('thead');
  const top = outer.top + (head ? head.offsetHeight : 0);
  if (inner.top < top) within.scrollTop -= top - inner.top + 12;
  else if (inner.bottom > outer.bottom) within.scrollTop += inner.bottom - outer.bottom + 12;
}
