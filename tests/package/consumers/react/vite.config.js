// JSX without an import in every file.
export default { oxc: { jsx: { runtime: "automatic" } } };
