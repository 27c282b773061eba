// The atlas in a browser. Every page reads well without it. These files are joined in the order of SCRIPTS in
// shell.py and put into one block, so that none of their names reaches a page.

/**
 * @param {string} selector
 * @param {ParentNode} root
 * @returns {any[]}
 */
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/**
 * @param {string} tag
 * @param {Record<string, unknown>} properties
 * @param {...(string | Node)} children
 * @returns {any}
 */
const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};
