import { Link, Outlet } from "react-router";

export function App() {
  return (
    <>
      <nav>
        <Link to="/">Cars</Link> <Link to="/settings">Settings</Link>
      </nav>
      <Outlet />
    </>
  );
}
